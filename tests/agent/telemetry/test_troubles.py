"""What needs a person, by what calls meet with: each trouble is a line, and healthy traffic is none."""

import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.agent.telemetry.conftest import Traffic

from claude_sidecar.causes import Cause
from claude_sidecar.telemetry.record import NO_ROUTE
from claude_sidecar.telemetry.trouble import MOST_TROUBLES, Severity

KEY = "authentication/key/1a2b3c4d"
SERVER_ERROR = "get 500 or another 5xx: the API, or something on the way to it, fails"
TROUBLES = {
    "401 of a key": (
        lambda t: t.failed(40, 401, Cause.AUTHENTICATION),
        KEY,
        "All 40 calls with key 1a2b3c4d get 401: the key is missing, wrong or revoked.",
        "errors.md#401",
    ),
    "401 once, and nothing else": (
        lambda t: t.failed(1, 401, Cause.AUTHENTICATION),
        KEY,
        "1 of 1 calls with key 1a2b3c4d get 401: the key is missing, wrong or revoked.",
        "errors.md#401",
    ),
    "401 without a key": (
        lambda t: t.failed(2, 401, Cause.AUTHENTICATION, key="none").plain(40),
        "authentication/key/none",
        "2 of 2 calls without a key get 401: the key is missing, wrong or revoked.",
        "errors.md#401",
    ),
    "402": (
        lambda t: t.failed(10, 402, Cause.BILLING).plain(10),
        "billing/key/1a2b3c4d",
        "50 % of calls with key 1a2b3c4d get 402: the account behind the key cannot pay.",
        "errors.md#402",
    ),
    "403 of a model": (
        lambda t: t.failed(5, 403, Cause.PERMISSION, model="claude-opus-5").plain(45),
        "permission/model/claude-opus-5",
        "5 of 5 calls of model claude-opus-5 get 403: the key may not do this.",
        "errors.md#403",
    ),
    "404 of a model": (
        lambda t: t.failed(2, 404, Cause.NOT_FOUND, model="claude-opus-4.7").plain(500),
        "not-found/model/claude-opus-4.7",
        "2 of 2 calls of model claude-opus-4.7 get 404: no such model for this key.",
        "errors.md#404",
    ),
    "413 of a feature": (
        lambda t: t.failed(4, 413, Cause.TOO_LARGE, feature="upload").plain(96, feature="upload").plain(200),
        "too-large/feature/upload",
        "4 % of calls of feature upload get 413: the request is too large.",
        "errors.md#413",
    ),
    "400 of a feature": (
        lambda t: t.failed(50, 400, Cause.INVALID_REQUEST, feature="new").plain(500, feature="old"),
        "invalid-request/feature/new",
        "All 50 calls of feature new get 400: the request itself is wrong.",
        "errors.md#400",
    ),
    "the limit of a feature, cured": (
        lambda t: (
            t.cured(3, 429, Cause.RATE_LIMIT, "output-tokens", feature="search")
            .cured(3, 429, Cause.RATE_LIMIT, "output-tokens", feature="search")
            .plain(194, feature="search")
            .plain(400, feature="chat")
        ),
        "limit/output-tokens/feature/search",
        "3 % of calls of feature search meet the output-token limit; repeats cured them.",
        "errors.md#429",
    ),
    "the limit of a model, some failed": (
        lambda t: (
            t.cured(4, 429, Cause.RATE_LIMIT, "input-tokens")
            .failed(2, 429, Cause.RATE_LIMIT, "input-tokens")
            .plain(94)
            .plain(100, model="claude-haiku-4-5")
        ),
        "limit/input-tokens/model/claude-sonnet-4-6",
        "6 % of calls of model claude-sonnet-4-6 meet the input-token limit; 2 of them failed in the end.",
        "errors.md#429",
    ),
    "requests a minute": (
        lambda t: t.cured(50, 429, Cause.RATE_LIMIT, "requests", feature="a").plain(50, feature="a"),
        "limit/requests/feature/a",
        "50 % of calls of feature a meet the limit of requests per minute; repeats cured them.",
        "errors.md#429",
    ),
    "a limit without a name": (
        lambda t: t.cured(50, 429, Cause.RATE_LIMIT, "unknown", model="m").plain(50, model="m"),
        "limit/unknown/model/m",
        "50 % of calls of model m meet a limit that the answer does not name; repeats cured them.",
        "errors.md#429",
    ),
    "spend": (
        lambda t: t.failed(10, 429, Cause.SPEND_LIMIT, "spend").plain(90),
        "limit/spend/key/1a2b3c4d",
        "10 % of calls with key 1a2b3c4d meet the spend limit, which no waiting brings back.",
        "errors.md#429",
    ),
    "529": (
        lambda t: t.failed(30, 529, Cause.OVERLOADED, retry_outcome="exhausted").plain(70),
        "overloaded/route/anthropic",
        "30 % of calls by route anthropic get 529: the API is overloaded, whosever calls they are.",
        "errors.md#529",
    ),
    "500 that repeats cure, often": (
        lambda t: t.cured(30, 500, Cause.SERVER_ERROR, feature="a").plain(70, feature="a"),
        "server-error/route/anthropic",
        f"30 % of calls by route anthropic {SERVER_ERROR}; repeats cured them.",
        "errors.md#500",
    ),
    "500": (
        lambda t: t.failed(3, 500, Cause.SERVER_ERROR).plain(197),
        "server-error/route/anthropic",
        f"2 % of calls by route anthropic {SERVER_ERROR}.",
        "errors.md#500",
    ),
    "time-outs": (
        lambda t: t.failed(3, None, Cause.TIMEOUT).plain(97),
        "time-out/route/anthropic",
        "3 % of calls by route anthropic get no answer in time.",
        "errors.md#silence",
    ),
    "no connection": (
        lambda t: t.failed(10, None, Cause.CONNECTION_FAILURE),
        "unreachable/route/anthropic",
        "10 of 10 calls by route anthropic do not reach the API, or lose the connection.",
        "errors.md#gateway_unreachable",
    ),
    "cut streams": (
        lambda t: t.failed(4, 200, Cause.CONNECTION_FAILURE, interrupted=True).plain(96),
        "cut-stream/route/anthropic",
        "4 % of calls by route anthropic break off after they began.",
        "errors.md#streams-that-stop",
    ),
    "streams that end in an error": (
        lambda t: t.failed(4, 200, Cause.OVERLOADED, interrupted=True).plain(96),
        "overloaded/route/anthropic",
        "4 % of calls by route anthropic get 529: the API is overloaded, whosever calls they are.",
        "errors.md#529",
    ),
    "no turn in the budget": (
        lambda t: t.call(5, status=503, route=NO_ROUTE, attempts=[], retry_outcome="refused").plain(95),
        "retries/refused/all/all",
        "5 % of calls fail because the retry budget has no turn left for them.",
        "decision.md",
    ),
    "repeats that end in all kinds of failures": (
        lambda t: [
            t.failed(2, 500, cause, retry_outcome="exhausted", feature=feature).plain(20)
            for cause, feature in ((Cause.TIMEOUT, "a"), (Cause.OVERLOADED, "b"), (Cause.CONFLICT, "c"))
        ],
        "retries/exhausted/route/anthropic",
        "9 % of calls by route anthropic fail in spite of all their repeats.",
        "decision.md",
    ),
    "blind repeats": (
        lambda t: t.failed(2, 400, Cause.INVALID_REQUEST, blind_repeat="litellm").plain(60),
        "blind-repeats/litellm/key/1a2b3c4d",
        "3 % of calls with key 1a2b3c4d are sent again by a client (litellm) although it was told not to.",
        "clients.md#blind-repeats",
    ),
    "too many at once": (
        lambda t: t.call(5, status=529, error_type="gateway_busy", route=NO_ROUTE, attempts=[]).plain(95),
        "busy/all/all",
        "5 % of calls are turned away here: too many are under way.",
        "errors.md#gateway_busy",
    ),
    "no route": (
        lambda t: t.call(
            3, status=503, error_type="gateway_no_route", route=NO_ROUTE, attempts=[], model="claude-x"
        ).plain(97),
        "no-route/model/claude-x",
        "3 of 3 calls of model claude-x fail because no route serves the model.",
        "errors.md#gateway_no_route",
    ),
    "callers that leave": (
        lambda t: t.call(60, cancelled=True, status=None, feature="slow").plain(40, feature="slow").plain(99),
        "callers-leave/feature/slow",
        "60 % of calls of feature slow are given up by the app before the answer is there.",
        "errors.md#silence",
    ),
    "a wrong model": (
        lambda t: t.mismatch(2, "claude-haiku-4-5").plain(100),
        "wrong-model/model/claude-sonnet-4-6",
        "2 calls for model claude-sonnet-4-6 were answered by another model, last by claude-haiku-4-5.",
        "errors.md#another-gateways",
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_each_trouble_is_one_line_with_its_page(name, traffic) -> None:
    happens, identity, what, link = TROUBLES[name]
    happens(traffic)
    (line,) = traffic.lines()
    assert (line.id, line.what, line.link) == (identity, what, link)
    assert line.fix.endswith(".")


HEALTHY = {
    "nothing at all": lambda t: t,
    "plain calls": lambda t: t.plain(500),
    "a 529 now and then, cured": lambda t: t.cured(15, 529, Cause.OVERLOADED).plain(285),
    "a 500 that was not cured": lambda t: t.failed(1, 500, Cause.SERVER_ERROR).plain(150),
    "two failures in a thousand": lambda t: t.failed(2, 529, Cause.OVERLOADED).plain(998),
    "a limit that is met once": lambda t: t.cured(1, 429, Cause.RATE_LIMIT, "requests").plain(30),
    "a limit met by one in a hundred": lambda t: t.cured(5, 429, Cause.RATE_LIMIT, "requests").plain(495),
    "a key that is turned, and one call with the old one": lambda t: t.plain(300).failed(
        1, 401, Cause.AUTHENTICATION
    ),
    "a file that is not there": lambda t: t.failed(9, 404, Cause.NOT_FOUND, model=None).plain(50),
    "a user's bad input": lambda t: t.failed(4, 400, Cause.INVALID_REQUEST, feature="chat").plain(
        96, feature="chat"
    ),
    "a picture too large": lambda t: t.failed(1, 413, Cause.TOO_LARGE, feature="chat").plain(
        60, feature="chat"
    ),
    "people who stop an answer": lambda t: t.call(15, cancelled=True).plain(85),
    "one stream in two hundred that breaks": lambda t: t.call(2, interrupted=True).plain(398),
    "a dated name for the model": lambda t: t.plain(50, model="claude-sonnet-4-6-20260201"),
    "counting tokens": lambda t: t.plain(100, operation="count_tokens"),
    "calls moved to the second route, one in twenty": lambda t: t.cured(10, 529, Cause.OVERLOADED).plain(190),
    "many features, keys and conversations": lambda t: [
        t.plain(1, feature=f"f{n}", key=f"{n:08x}", conversation=f"c{n}") for n in range(300)
    ],
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_traffic_is_no_trouble(name, traffic) -> None:
    HEALTHY[name](traffic)
    assert traffic.lines() == []


def test_what_is_over_is_told_no_more(traffic) -> None:
    traffic.failed(5, 401, Cause.AUTHENTICATION)
    assert [line.window for line in traffic.wait(600).lines()] == ["1h"]
    traffic.plain(3)
    assert traffic.lines() == []


def test_trouble_of_few_calls_is_told_for_an_hour(traffic) -> None:
    traffic.failed(2, 404, Cause.NOT_FOUND, model="claude-typo")
    assert len(traffic.wait(3000).lines()) == 1
    assert traffic.wait(700).lines() == []


def test_figures_of_busy_names_are_of_five_minutes(traffic) -> None:
    traffic.failed(500, 529, Cause.OVERLOADED).wait(400).plain(90).failed(10, 529, Cause.OVERLOADED)
    (line,) = traffic.lines()
    assert (line.window, line.what[:5]) == ("5m", "10 % ")


def test_a_line_says_whether_the_whole_route_fails_and_for_how_long(traffic) -> None:
    traffic.failed(30, 529, Cause.OVERLOADED)
    (line,) = traffic.lines(anthropic="for 4 minutes, nothing but failures: the whole route")
    assert line.what.endswith("(for 4 minutes, nothing but failures: the whole route).")


def test_repeats_that_cure_make_it_something_to_watch(traffic) -> None:
    traffic.cured(30, 529, Cause.OVERLOADED).plain(70)
    assert [line.severity for line in traffic.lines()] == [Severity.WATCH]
    traffic.failed(5, 529, Cause.OVERLOADED)
    assert [line.severity for line in traffic.lines()] == [Severity.FIX]


def test_a_key_that_fails_is_told_although_another_route_cures_its_calls(traffic, make) -> None:
    refused = make.refused(401, Cause.AUTHENTICATION, "authentication_error", key="0ld0ld00", route="first")
    traffic.call(30, attempts=[refused, make.attempt()], attempt=2)
    assert [line.id for line in traffic.lines()] == ["authentication/key/0ld0ld00"]


def test_what_a_call_met_before_it_failed_of_another_thing_is_not_told_as_why(traffic, make) -> None:
    attempts = [make.refused(529, Cause.OVERLOADED, "o"), make.refused(403, Cause.PERMISSION, "p")]
    lines = traffic.call(8, status=403, cause=Cause.PERMISSION, attempts=attempts).plain(92).lines()
    assert [line.id for line in lines] == ["permission/model/claude-sonnet-4-6"]


def test_the_dimension_that_tells_most_is_told(traffic) -> None:
    """Both features meet the limit alike, with one model: that is the model's line, not the features'."""
    for feature in "ab":
        traffic.cured(10, 429, Cause.RATE_LIMIT, "requests", feature=feature).plain(40, feature=feature)
    assert [line.id for line in traffic.lines()] == ["limit/requests/model/claude-sonnet-4-6"]


def test_one_trouble_of_many_names_is_three_lines(traffic) -> None:
    for number in range(20):
        traffic.failed(3, 404, Cause.NOT_FOUND, model=f"claude-typo-{number}")
    lines = traffic.failed(4, 404, Cause.NOT_FOUND, model="claude-typo-19").lines()
    assert len(lines) == 3
    assert "not-found/model/claude-typo-19" in [line.id for line in lines]


def test_a_refused_key_is_told_of_after_a_thousand_misspelt_models(traffic) -> None:
    for number in range(1000):
        traffic.failed(1, 404, Cause.NOT_FOUND, model=f"model-{number}", key="0a0a0a0a")
    assert KEY in [line.id for line in traffic.failed(40, 401, Cause.AUTHENTICATION).lines()]


def test_names_past_the_bound_are_told_of_by_none(traffic) -> None:
    for number in range(400):
        traffic.failed(1, 404, Cause.NOT_FOUND, model=f"claude-typo-{number:03}")
    assert all("_other" not in line.what for line in traffic.lines())


def test_calls_of_what_is_no_name_are_told_of_where_no_name_is(traffic) -> None:
    (line,) = traffic.failed(20, 404, Cause.NOT_FOUND, model="_other").plain(80).lines()
    assert line.what.startswith("All 20 calls of models that are not named here get 404")


def test_what_must_be_fixed_comes_first(traffic) -> None:
    traffic.call(60, cancelled=True, status=None, feature="slow")
    traffic.failed(50, 529, Cause.OVERLOADED).failed(40, 401, Cause.AUTHENTICATION, key="deadbeef")
    assert [line.id.split("/")[0] for line in traffic.lines()] == [
        "authentication",
        "overloaded",
        "callers-leave",
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_happens_lines_are_few_and_each_is_whole(seed, make) -> None:
    chance, traffic = random.Random(seed), Traffic(make)
    names = [f"n{number}" for number in range(chance.randrange(1, 40))]
    for _ in range(60):
        changes = {
            "feature": chance.choice(names),
            "model": chance.choice(names),
            "key": chance.choice(names),
        }
        cause, limit = chance.choice(list(Cause)), chance.choice([None, "requests", "spend"])
        act = chance.choice([traffic.failed, traffic.cured])
        act(chance.randrange(1, 9), chance.choice([400, 429, 529]), cause, limit, **changes)
    lines = traffic.lines()
    assert 0 < len(lines) <= MOST_TROUBLES
    assert len({line.id for line in lines}) == len(lines)
    for line in lines:
        assert re.fullmatch(r"[A-Z0-9][^\n]*\.", line.what)
        assert 0 < line.share <= 1
    assert lines == sorted(lines, key=lambda line: line.urgency)

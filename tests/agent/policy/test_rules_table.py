"""The table of rules: each has a call that it decides, and each step carries the rule that took it."""

import re
from math import inf
from typing import Any

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import Deliver, GiveUp, Send, Wait
from claude_sidecar.policy.moment import HealthView
from claude_sidecar.policy.outcome import Outcome, RetryHints
from claude_sidecar.policy.reasons import StopReason, WaitReason
from claude_sidecar.policy.request_facts import SdkHeaders
from claude_sidecar.policy.rule import Situation
from claude_sidecar.policy.rules import RULES

OK = Outcome(None, 200, has_response=True)
OVERLOADED = Outcome(Cause.OVERLOADED, 529, has_response=True)
REVOKED = Outcome(Cause.AUTHENTICATION, 401, has_response=True)
DIED = Outcome(Cause.CONNECTION_FAILURE, reused_connection_died=True)
CUT = Outcome(Cause.CONNECTION_FAILURE, cut_after_s=60.0)
TIMED_OUT = Outcome(Cause.TIMEOUT, our_timeout=True)


def overloaded(**hints: Any) -> Outcome:
    return Outcome(Cause.OVERLOADED, 529, has_response=True, hints=RetryHints(**hints))


def limited(after_s: float) -> Outcome:
    return Outcome(Cause.RATE_LIMIT, 429, has_response=True, hints=RetryHints(after_s))


STAYS = {"fallback": {"causes": []}}
FIRST_OPEN = HealthView(breaker_open=frozenset({0}))
SWAPS = {"fallback": {"substitutions": [{"model": "m", "with": ["n"]}]}}
TURN_LATER = HealthView(turn=lambda wanted_s: wanted_s + 3)
CALLS: dict[str, tuple[int, dict[str, Any], list[Outcome], dict[str, Any]]] = {
    "answered": (1, {}, [OK], {}),
    "no route serves the model": (0, {}, [OK], {"model": "m"}),
    "sent once": (1, {}, [OVERLOADED], {"repeatable": False}),
    "last attempt cut short": (1, {}, [TIMED_OUT], {"max_attempts": 1, "took": lambda: 599.0}),
    "attempts spent": (1, {}, [OVERLOADED], {}),
    "deadline passed": (1, {}, [OVERLOADED], {"took": lambda: 599.0}),
    "dead connection": (1, {}, [DIED, OK], {}),
    "may still be running": (1, {}, [TIMED_OUT], {"timeout_repeats": False}),
    "next route": (2, {}, [OVERLOADED, OK], {}),
    "another model's turn": (1, SWAPS, [OVERLOADED, OK], {"health": TURN_LATER}),
    "cause not retried": (1, {"retry": {"causes": []}}, [OVERLOADED], {}),
    "futile repeats": (1, {}, [CUT, CUT], {}),
    "upstream forbids it": (1, STAYS, [overloaded(should_retry=False)], {}),
    "same route": (1, STAYS, [OVERLOADED, OK], {}),
    "first of a round": (1, {}, [OK], {}),
    "no credential": (1, {}, [OK], {"health": HealthView(credential_missing=frozenset({0}))}),
    "no route left": (1, {}, [overloaded(should_retry=False)], {}),
    "retry-after too long": (1, {}, [limited(61.0)], {}),
    "retry-after past the deadline": (1, {}, [limited(30.0)], {"deadline_s": 20.0}),
    "wait past the deadline": (1, {}, [OVERLOADED], {"deadline_s": 0.4}),
    "rate limit": (1, {}, [limited(3.0), OK], {}),
    "no turn in time": (1, {}, [OVERLOADED], {"health": HealthView(turn=lambda wanted_s: inf)}),
    "wait for a turn": (1, {}, [OVERLOADED, OK], {"health": TURN_LATER}),
    "wait as told": (1, {}, [overloaded(retry_after_s=3.0), OK], {}),
    "backoff": (1, {}, [OVERLOADED, OK], {}),
}


@pytest.fixture
def steps(play: Any, snapshot: Any) -> Any:
    """All steps of one of these calls, in order."""

    def steps(name: str) -> list[Any]:
        routes, spec, script, more = CALLS[name]
        named = routes or [{"name": "r0", "models": [{"name": "other"}]}]
        story = play(snapshot(named, **spec), script, **more)
        return [*(sent.step for sent in story.sent), *(wait for _, wait in story.waits), story.end]

    return steps


def test_each_rule_has_a_call_and_a_name_of_its_own() -> None:
    assert [rule.name for rule in RULES] == list(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_each_rule_decides_a_step_of_its_call_and_says_so(name: str, steps: Any) -> None:
    assert name in [step.why.name for step in steps(name)]


@pytest.mark.parametrize("name", CALLS)
def test_each_step_is_what_its_rule_says_it_is(name: str, steps: Any) -> None:
    for step in steps(name):
        match step:
            case Deliver() | GiveUp():
                assert step.why.then is step.reason
            case Wait():
                assert step.why.then is step.reason
                assert isinstance(step.why.then, WaitReason)
            case Send():
                assert step.why.then == "send"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_is_asked_somewhere_and_says_something(rule: Any) -> None:
    assert rule.asked_after
    assert rule.says.endswith(".")
    assert rule.then == "send" or isinstance(rule.then, StopReason | WaitReason)


@pytest.mark.parametrize("situation", Situation)
def test_each_situation_has_rules(situation: Situation) -> None:
    assert any(situation in rule.asked_after for rule in RULES)


def test_a_refusal_of_our_own_key_is_a_situation_without_a_failure(play: Any, snapshot: Any) -> None:
    """Only later routes have refused: the call begins a round again, and ends with what they said."""
    story = play(snapshot(2), [REVOKED], health=FIRST_OPEN)
    assert (story.routes, story.status) == (["r1", "r0"], 401)
    assert [sent.step.why.name for sent in story.sent] == ["first of a round", "first of a round"]


@pytest.mark.parametrize("name", CALLS)
def test_what_a_rule_says_names_each_field_that_it_stops_or_waits_by(
    name: str, play: Any, snapshot: Any
) -> None:
    """A list of routes has no one value to name; a kind of call is no field."""
    routes, spec, script, more = CALLS[name]
    named = routes or [{"name": "r0", "models": [{"name": "other"}]}]
    story = play(snapshot(named, **spec), script, **more)
    (rule,) = [rule for rule in RULES if rule.name == name]
    if rule.then == "send" or name == "sent once":
        return
    said = next(said for said in story.reasons if said.startswith(f"{name}: "))
    assert [field for field in rule.reads if field not in said] == []


def test_reasons_tell_the_calls_own_figures(play: Any, snapshot: Any) -> None:
    assert play(snapshot(2), [OVERLOADED], max_attempts=2).reasons == [
        "first of a round: the first route that serves the model",
        "next route: fallback.causes names Overloaded, and this round has not tried it",
        "attempts spent: 2 of 2 made; retry.maxAttempts = 4",
    ]
    assert play(snapshot(1), [limited(3.0), limited(61.0)]).reasons[1:] == [
        (
            "rate limit: the upstream's retry-after of 3s, and jitter up to retry.backoff.initial = 1s or a "
            "tenth of it; retry.causes names RateLimit"
        ),
        "same route: the same after the wait",
        "retry-after too long: 61s is over retry.maxRetryAfter = 60s",
    ]
    assert play(snapshot(1, **SWAPS), [OVERLOADED, OK], health=TURN_LATER).reasons[1:3] == [
        (
            "another model's turn: fallback.substitutions: another model of a tried route is next; "
            "retry.budget.percent = 20, minPerSecond = 10"
        ),
        "same route: the same after the wait",
    ]
    assert play(snapshot(1), [CUT, CUT]).reasons[-1] == (
        "futile repeats: connections are cut there about 60s after the request"
    )


def test_a_wait_tells_between_what_it_is_drawn(play: Any, snapshot: Any) -> None:
    waits = [said for said in play(snapshot(1), [OVERLOADED]).reasons if said.startswith("backoff: ")]
    begins = [re.match(r".*drawn up to (\S+): retry.backoff.initial = 1s, doubled", said) for said in waits]
    assert [found and found[1] for found in begins] == ["1s", "2s", "4s"]
    assert ["before its last attempt" in said for said in waits] == [False, True, True]
    none = snapshot(1, retry={"backoff": {"initial": "0s", "max": "0s"}})
    assert play(none, [OVERLOADED, OK]).reasons[1].endswith("; retry.backoff.initial = 0s")


def test_a_deadline_tells_whose_patience_it_is(play: Any, snapshot: Any) -> None:
    """From the call's arrival, whatever the loop's clock says."""
    late: dict[str, Any] = {"took": lambda: 5.0, "deadline_s": 4.0}
    (_, by_policy) = play(snapshot(1, timeouts={"total": "4s"}), [OVERLOADED], **late).reasons
    (_, by_app) = play(snapshot(1), [OVERLOADED], **late, sdk=SdkHeaders(0, 4.2)).reasons
    (_, earlier) = play(snapshot(1), [OVERLOADED], **late, arrival_s=-1.0).reasons
    assert by_policy == "deadline passed: 4s after arrival, by timeouts.total = 4s"
    assert by_app == "deadline passed: 4s after arrival, by the app's own time-out of 4.2s"
    assert earlier == "deadline passed: 5s after arrival, by timeouts.total = 600s"


def test_attempts_that_the_sdk_has_made_are_told(play: Any, snapshot: Any) -> None:
    (_, said) = play(snapshot(1), [OVERLOADED], max_attempts=1, sdk=SdkHeaders(3, None)).reasons
    assert said.endswith("1 of 1 made; retry.maxAttempts = 4, less 3 that its SDK says it has made")


def test_an_attempt_tells_whom_it_passes_over_and_why(play: Any, snapshot: Any) -> None:
    health = HealthView(breaker_open=frozenset({0}), credential_missing=frozenset({1}))
    (first, *_) = play(snapshot(3), [OVERLOADED, OK], health=health).reasons
    assert first == (
        "first of a round: the first route that serves the model; passed over: r0 (its circuit breaker is "
        "open), r1 (its credential is missing)"
    )
    moved = play(snapshot(3), [overloaded(retry_after_s=9.0), OVERLOADED, overloaded(should_retry=False), OK])
    assert [said.partition("; passed over: ")[2] for said in moved.reasons] == [
        "",
        "",
        "",
        "",
        "r0 (its upstream said to wait longer)",
        "",
    ]
    ignored = HealthView(breaker_open=frozenset({0, 1}))
    assert "passed over" not in "".join(play(snapshot(2), [OVERLOADED, OK], health=ignored).reasons)

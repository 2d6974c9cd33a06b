"""Counts over windows of time: what is in which window, under which name, and nothing twice."""

import random
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claude_sidecar.causes import Cause
from claude_sidecar.telemetry.rollups import Rollups
from claude_sidecar.wire.response_metadata import TokenUsage

START_S = 6000.0
"""The begin of a minute, and of five."""


def told(make, ends_s, **changes) -> Rollups:
    """Rollups told of plain calls that ended then."""
    rollups = Rollups()
    for end_s in ends_s:
        rollups.call_ended(make.call(ended_s=end_s, **changes))
    return rollups


def calls_in(rollups: Rollups, now: float) -> tuple[int, int, int]:
    windows = rollups.read(now)
    return windows.recent.total.calls, windows.hour.total.calls, windows.all.total.calls


def failed_send(make, **changes):
    return make.refused(529, Cause.OVERLOADED, "overloaded_error", **changes)


def test_a_call_is_counted_under_every_name_it_has(make) -> None:
    rollups = told(make, [START_S], feature="search", conversation="c-1")
    by = rollups.read(START_S).recent.by
    assert {dimension: list(rows) for dimension, rows in by.items()} == {
        "key": ["1a2b3c4d"],
        "model": [make.model],
        "status": ["200"],
        "route": ["anthropic"],
        "feature": ["search"],
        "conversation": ["c-1"],
    }
    tally = by["feature"]["search"]
    assert (tally.calls, tally.failed, tally.attempts) == (1, 0, 1)
    assert (tally.input_tokens, tally.output_tokens) == (10, 20)
    assert (tally.cache_read_tokens, tally.cache_creation_tokens) == (100, 7)
    assert tally.cost_usd == Decimal("0.00038625")


def test_cost_is_the_exact_sum_of_what_has_a_price(make) -> None:
    rollups = Rollups()
    for usd in (Decimal("0.1"), None, Decimal("0.0000002")):
        rollups.call_ended(make.call(ended_s=START_S, attempts=[make.attempt(cost_usd=usd)]))
    for window in rollups.read(START_S)[:3]:
        assert window.by["key"]["1a2b3c4d"].cost_usd == window.total.cost_usd == Decimal("0.1000002")


def test_tokens_without_a_price_are_counted_and_searches_are_no_tokens(make) -> None:
    usage = TokenUsage(10, 20, 100, 7, cache_creation_1h_input_tokens=3, web_search_requests=2)
    kinds = ("cache_read", "cache_creation_1h", "web_search")
    rollups = Rollups()
    sent = make.attempt(usage=usage, unpriced=kinds)
    rollups.call_ended(make.call(ended_s=START_S, attempts=[sent, sent]))
    assert rollups.read(START_S).all.total.unpriced_tokens == 2 * 103


def test_a_call_without_names_is_counted_where_every_call_has_one(make) -> None:
    by = told(make, [START_S], model=None, status=None, attempts=[], key="none").read(START_S).recent.by
    assert sorted(by) == ["key", "model", "route", "status"]
    assert (list(by["model"]), list(by["status"])) == (["none"], ["none"])


def test_counting_tokens_uses_none(make) -> None:
    total = told(make, [START_S], operation="count_tokens").read(START_S).recent.total
    assert (total.calls, total.attempts, total.input_tokens) == (1, 1, 0)


def test_windows_hold_what_ended_in_them(make) -> None:
    rollups = told(make, [START_S + minute * 60 for minute in range(100)])
    assert calls_in(rollups, START_S + 99 * 60) == (5, 60, 100)
    assert calls_in(rollups, START_S + 101 * 60) == (3, 55, 100)
    assert calls_in(rollups, START_S + 104 * 60 + 59) == (0, 55, 100)
    assert calls_in(rollups, START_S + 150 * 60) == (0, 5, 100)
    assert calls_in(rollups, START_S + 160 * 60) == (0, 0, 100)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gaps=st.lists(st.floats(0, 900), max_size=60),
    wait_s=st.floats(0, 5000),
    reads=st.sets(st.integers(0, 60)),
)
def test_no_call_is_lost_or_counted_twice_whoever_reads_in_between(gaps, wait_s, reads, make) -> None:
    rollups, ends, now = Rollups(), [], START_S
    for number, gap in enumerate(gaps):
        now += gap
        ends.append(now)
        rollups.call_ended(make.call(ended_s=now))
        if number in reads:
            assert rollups.read(now).all.total.calls == len(ends)
    now += wait_s
    windows, minute = rollups.read(now), now // 60
    five = (minute - 60) // 5 * 5 + 5
    assert windows.all.total.calls == len(ends)
    assert windows.recent.total.calls == sum(end // 60 > minute - 5 for end in ends)
    assert windows.hour.total.calls == sum(end // 60 >= five for end in ends)
    told_by_minute = {each.number: each.calls for each in windows.minutes if each.calls}
    in_hour = [int(end // 60) for end in ends if end // 60 > minute - 60]
    assert told_by_minute == {number: in_hour.count(number) for number in in_hour}


def test_minutes_are_sixty_oldest_first_and_tell_failed_and_cured(make) -> None:
    rollups = told(make, [START_S])
    rollups.call_ended(make.call(ended_s=START_S + 61, status=529, cause=Cause.OVERLOADED))
    rollups.call_ended(make.call(ended_s=START_S + 62, attempts=[failed_send(make), make.attempt()]))
    minutes = rollups.read(START_S + 120).minutes
    assert [minute.number for minute in minutes] == list(range(43, 103))
    assert [tuple(minute)[1:] for minute in minutes[-3:]] == [(1, 0, 0), (2, 1, 1), (0, 0, 0)]


@pytest.mark.parametrize("back_s", [1, 3600, START_S])
def test_a_clock_that_goes_back_loses_nothing(back_s, make) -> None:
    rollups = told(make, [START_S, START_S + 70, START_S + 70 - back_s, START_S + 71])
    assert calls_in(rollups, START_S - back_s) == (4, 4, 4)
    assert calls_in(rollups, START_S + 72) == (4, 4, 4)


def test_a_clock_that_leaps_ahead_leaves_all_since_the_start(make) -> None:
    rollups = told(make, [START_S, START_S + 3e9])
    assert calls_in(rollups, START_S + 3e9) == (1, 1, 2)
    assert len(rollups.read(START_S + 9e9).minutes) == 60
    assert calls_in(rollups, START_S + 9e9) == (0, 0, 2)


def test_nothing_has_been_counted_at_the_start() -> None:
    windows = Rollups().read(START_S)
    assert (windows.recent.total.calls, windows.recent.by, windows.all.met) == (0, {}, {})
    assert sum(minute.calls for minute in windows.minutes) == 0


def test_attempts_and_tokens_are_counted_with_the_key_and_route_that_were_their_own(make) -> None:
    burnt = failed_send(make, route="first", key="key-one", usage=TokenUsage(input_tokens=5, output_tokens=1))
    rollups = told(make, [START_S], attempts=[burnt, burnt, make.attempt()], feature="search")
    recent = rollups.read(START_S).recent
    routes, keys = recent.by["route"], recent.by["key"]
    assert (routes["first"].calls, routes["first"].attempts, routes["first"].input_tokens) == (0, 2, 10)
    assert (routes["anthropic"].calls, routes["anthropic"].attempts) == (1, 1)
    assert (keys["key-one"].output_tokens, keys["1a2b3c4d"].output_tokens) == (2, 20)
    assert (routes["first"].tried, routes["anthropic"].tried, keys["key-one"].tried) == (1, 1, 1)
    feature = recent.by["feature"]["search"]
    assert (feature.calls, feature.tried, feature.attempts, feature.output_tokens) == (1, 1, 3, 22)


def test_what_a_substitute_used_is_counted_under_its_own_name(make) -> None:
    substitute = make.attempt(model="claude-opus-4-8", substitute="claude-opus-4-8")
    rollups = told(
        make,
        [START_S],
        attempts=[failed_send(make), substitute],
        substituted_model="claude-opus-4-8",
        attempt=2,
    )
    models = rollups.read(START_S).recent.by["model"]
    assert (models[make.model].calls, models[make.model].output_tokens) == (1, 0)
    assert (models["claude-opus-4-8"].calls, models["claude-opus-4-8"].output_tokens) == (0, 20)


def test_a_substitute_that_did_not_answer_is_counted_under_its_own_name_too(make) -> None:
    cut = make.attempt(cause=Cause.OVERLOADED, model="claude-opus-4-8", substitute="claude-opus-4-8")
    rollups = told(make, [START_S], attempts=[make.attempt(cause=Cause.OVERLOADED), cut], attempt=1)
    models = rollups.read(START_S).recent.by["model"]
    assert (models[make.model].calls, models[make.model].attempts, models[make.model].tried) == (1, 1, 1)
    substitute = models["claude-opus-4-8"]
    assert (substitute.calls, substitute.attempts, substitute.output_tokens, substitute.tried) == (
        0,
        1,
        20,
        1,
    )


def test_totals_equal_the_sum_of_the_records_and_of_each_dimension(make) -> None:
    chance, rollups, calls = random.Random(3), Rollups(), []
    for number in range(400):
        sends = [
            failed_send(make, route=chance.choice(["a", "b"]), key=chance.choice(["k", "l"]))
            for _ in range(chance.randrange(3))
        ]
        last = make.attempt(route=chance.choice(["a", "b"]), key=chance.choice(["k", "l"]))
        calls.append(
            make.call(
                ended_s=START_S + number * 7,
                attempts=[*sends, last],
                route=last.route,
                key=last.key,
                feature=chance.choice("xyz"),
                conversation=chance.choice("pq"),
            )
        )
        rollups.call_ended(calls[-1])
    everything = rollups.read(START_S + 400 * 7).all
    sends = [attempt for call in calls for attempt in call.attempts]
    assert everything.total.calls == 400
    assert everything.total.cured == sum(len(call.attempts) > 1 for call in calls)
    assert everything.total.attempts == len(sends)
    assert everything.total.output_tokens == sum(send.usage.output_tokens or 0 for send in sends)
    for rows in everything.by.values():
        for count in ("calls", "cured", "attempts", "input_tokens", "output_tokens", "cache_read_tokens"):
            assert sum(getattr(row, count) for row in rows.values()) == getattr(everything.total, count)
    for name in "kl":
        assert everything.by["key"][name].attempts == sum(send.key == name for send in sends)

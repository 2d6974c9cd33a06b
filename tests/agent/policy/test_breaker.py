"""Circuit breaker: what trips it, what it lets through, what closes it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.policy.breaker import Breaker, BreakerState
from claude_sidecar.policy.moment import HealthView
from claude_sidecar.schema.retry import CircuitBreaker


def limits_of(
    percent: int = 50, min_requests: int = 10, window: str = "30s", open_for: str = "15s"
) -> CircuitBreaker:
    return CircuitBreaker(failurePercent=percent, minRequests=min_requests, window=window, openFor=open_for)


LIMITS = limits_of()


def tripped(at: float = 0.0, limits: CircuitBreaker = LIMITS) -> Breaker:
    breaker = Breaker(limits)
    for _ in range(limits.min_requests):
        breaker.failed(at)
    return breaker


def fed(successes: int, failures: int, limits: CircuitBreaker = LIMITS) -> Breaker:
    breaker = Breaker(limits)
    for _ in range(successes):
        breaker.succeeded(1.0)
    for _ in range(failures):
        breaker.failed(1.0)
    return breaker


@pytest.mark.parametrize(
    ("successes", "failures", "state"),
    [
        (0, 9, "closed"),
        (0, 10, "open"),
        (5, 5, "open"),
        (6, 5, "closed"),
        (6, 6, "open"),
        (100, 99, "closed"),
    ],
)
def test_breaker_trips_at_its_share_over_enough_calls(successes: int, failures: int, state: str) -> None:
    assert fed(successes, failures).state == state


def test_breaker_at_a_hundred_percent_trips_only_if_all_fail() -> None:
    limits = limits_of(100, 2)
    assert fed(1, 50, limits).state is BreakerState.CLOSED
    assert fed(0, 2, limits).state is BreakerState.OPEN


def test_breaker_does_not_count_4xx_and_429() -> None:
    breaker = Breaker(LIMITS)
    for _ in range(100):
        breaker.responded(0.0)
    assert breaker.recent(0.0) == (0, 0)
    for _ in range(9):
        breaker.failed(0.0)
    assert breaker.state is BreakerState.CLOSED


def test_breaker_does_not_count_cancelled_calls() -> None:
    breaker = Breaker(LIMITS)
    for _ in range(100):
        breaker.cancelled(0.0)
    assert (breaker.state, breaker.recent(0.0)) == (BreakerState.CLOSED, (0, 0))


def test_breaker_forgets_what_is_older_than_its_window() -> None:
    breaker = Breaker(LIMITS)
    for _ in range(9):
        breaker.failed(0.0)
    breaker.failed(31.0)
    assert (breaker.state, breaker.recent(31.0)) == (BreakerState.CLOSED, (1, 1))


def test_breaker_when_open_admits_nothing_until_its_time() -> None:
    breaker = tripped(at=100.0)
    assert not breaker.admits(100.0)
    assert not breaker.admits(114.9)
    assert breaker.admits(115.0)


def test_breaker_admits_one_probe() -> None:
    breaker = tripped()
    breaker.sent(15.0)
    assert breaker.state is BreakerState.PROBING
    assert not breaker.admits(15.0)
    assert not breaker.admits(29.9)


def test_breaker_closes_with_empty_counts_after_a_good_probe() -> None:
    breaker = tripped()
    breaker.sent(15.0)
    breaker.succeeded(16.0)
    assert (breaker.state, breaker.recent(16.0)) == (BreakerState.CLOSED, (0, 0))
    for _ in range(9):
        breaker.failed(16.0)
    assert breaker.admits(16.0)


def test_breaker_closes_when_the_probe_gets_a_4xx() -> None:
    breaker = tripped()
    breaker.sent(15.0)
    breaker.responded(16.0)
    assert breaker.state is BreakerState.CLOSED


def test_breaker_opens_anew_after_a_bad_probe() -> None:
    breaker = tripped()
    breaker.sent(15.0)
    breaker.failed(17.0)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.admits(31.9)
    assert breaker.admits(32.0)


def test_breaker_gives_a_cancelled_probes_place_to_the_next() -> None:
    breaker = tripped()
    breaker.sent(15.0)
    breaker.cancelled(16.0)
    assert breaker.admits(16.0)


def test_breaker_gives_up_a_probe_that_never_reports_back() -> None:
    breaker = tripped()
    breaker.sent(15.0)
    assert breaker.admits(30.0)


@pytest.mark.parametrize("end", ["succeeded", "responded"])
def test_breaker_is_not_closed_by_a_send_from_before_it_tripped(end: str) -> None:
    breaker = tripped()
    getattr(breaker, end)(1.0)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.admits(14.9)


def test_breaker_stays_open_no_longer_for_late_failures_and_late_cancels() -> None:
    breaker = tripped()
    breaker.failed(10.0)
    breaker.cancelled(11.0)
    assert not breaker.admits(14.9)
    assert breaker.admits(15.0)


def test_breaker_past_which_a_send_goes_all_the_same_makes_no_probe_of_it() -> None:
    """Breakers are ignored if they alone leave no route."""
    breaker = tripped()
    breaker.sent(5.0)
    assert breaker.state is BreakerState.OPEN
    assert breaker.admits(15.0)


def test_breaker_takes_over_new_limits_and_keeps_its_state() -> None:
    breaker = tripped()
    breaker.resize(limits_of(window="60s", open_for="5s"))
    assert breaker.admits(5.0)
    assert breaker.recent(0.0) == (0, 0)


EVENTS = st.lists(
    st.tuples(st.floats(0, 20), st.sampled_from(["sent", "succeeded", "failed", "responded", "cancelled"])),
    max_size=60,
)


@given(EVENTS, st.integers(1, 5), st.sampled_from([1, 50, 100]))
def test_breaker_always_recovers_when_the_route_does(
    events: list[tuple[float, str]], min_requests: int, percent: float
) -> None:
    limits = limits_of(percent, min_requests)
    breaker, now = Breaker(limits), 0.0
    for gap, event in events:
        now += gap
        getattr(breaker, event)(now)
        sends, failures = breaker.recent(now)
        assert 0 <= failures <= sends
    now += 15.001
    assert breaker.admits(now)
    breaker.sent(now)
    breaker.succeeded(now)
    assert breaker.state is BreakerState.CLOSED


@given(EVENTS, st.floats(0, 14.9))
def test_breaker_lets_one_send_through_between_two_ends(events: list[tuple[float, str]], soon: float) -> None:
    """After a probe has left, none follows for `open_for_s` unless its end is told."""
    breaker, now = tripped(), 0.0
    for gap, event in events:
        now += gap
        if event == "sent" and breaker.state is not BreakerState.CLOSED and breaker.admits(now):
            breaker.sent(now)
            assert not breaker.admits(now + soon)
        elif event != "sent":
            getattr(breaker, event)(now)


def test_breaker_open_on_one_route_sends_the_next_call_to_another(
    play: Any, snapshot: Any, answer: Any
) -> None:
    view = HealthView(breaker_open=frozenset({0}))
    assert play(snapshot(2), [answer(200)], health=view).routes == ["r1"]
    assert play(snapshot(2), [answer(529)], health=view).routes == ["r1"] * 4


def test_breaker_that_would_let_a_probe_pass_is_not_told_as_open_though_no_call_comes() -> None:
    breaker = tripped()
    assert breaker.reported_state(14.9) is BreakerState.OPEN
    assert breaker.reported_state(15.0) is BreakerState.PROBING
    assert breaker.state is BreakerState.OPEN
    assert Breaker(LIMITS).reported_state(99.0) is BreakerState.CLOSED

"""Deadline and time-outs: by when a call must be settled, and which silence is not repeated."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import GiveUp
from claude_sidecar.policy.moment import HealthView
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.reasons import StopReason
from claude_sidecar.policy.request_facts import deadline_s, read_sdk_headers

OUR_TIMEOUT = Outcome(Cause.TIMEOUT, our_timeout=True)


def told(timeout: bytes | None, read_timeout: bytes | None) -> float | None:
    """The caller's own time-out by the two headers of its SDK."""
    said = {b"x-stainless-timeout": timeout, b"x-stainless-read-timeout": read_timeout}
    return read_sdk_headers({name: value for name, value in said.items() if value is not None}).timeout_s


@pytest.mark.parametrize(
    ("total", "hints", "expected"),
    [
        (600.0, (None, None), 599.75),
        (600.0, (b"60", None), 59.75),
        (600.0, (None, b"60"), 59.75),
        (600.0, (b"120", b"60"), 59.75),
        (600.0, (b"60", b"120"), 59.75),
        (600.0, (b"900", b"700"), 599.75),
        (30.0, (b"600", None), 29.75),
        (600.0, (b"2", None), 1.9),
        (600.0, (b"5", None), 4.75),
        (600.0, (b"4.5", None), 4.275),
        (600.0, (b" 60 ", None), 59.75),
    ],
)
def test_deadline_is_the_smallest_patience_less_a_quarter_second_or_a_twentieth(
    total: float, hints: tuple[bytes | None, ...], expected: float
) -> None:
    assert deadline_s(1000.0, total, told(*hints)) == pytest.approx(1000.0 + expected)


@pytest.mark.parametrize(
    "hint", [b"", b"NOT_GIVEN", b"nan", b"inf", b"-inf", b"-5", b"0", b"1e400", b"\xff\xfe", b"60s", b"6 0"]
)
def test_deadline_takes_an_unparsable_hint_for_none(hint: bytes) -> None:
    assert deadline_s(0.0, 600.0, told(hint, None)) == 599.75
    assert deadline_s(0.0, 600.0, told(b"60", hint)) == 59.75


@given(
    st.floats(0, 1e9),
    st.floats(0.001, 1e5),
    st.lists(st.none() | st.binary(max_size=20), min_size=2, max_size=2),
)
def test_deadline_lies_after_arrival_and_within_the_policys_total(
    arrival: float, total: float, hints: list[bytes | None]
) -> None:
    assert arrival <= deadline_s(arrival, total, told(*hints)) <= arrival + total


@given(st.floats(0.01, 1e5), st.floats(0.01, 1e5))
def test_deadline_leaves_the_caller_a_margin(total: float, hint: float) -> None:
    patience = min(total, hint)
    margin = patience - deadline_s(0.0, total, told(repr(hint).encode(), None))
    assert margin == pytest.approx(min(0.25, patience * 0.05))


def test_deadline_no_wait_is_begun_that_would_end_after_it(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1, retry={"maxAttempts": 10}), [answer(500)], chance=0.5, deadline_s=3.0)
    assert story.pauses == [0.5, 1.0]
    assert (story.status, story.end.reason) == (500, StopReason.DEADLINE)


def test_deadline_no_wait_is_begun_that_leaves_no_time_to_send(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(529, retry_after=10)], chance=0.0, deadline_s=10.0)
    assert (story.pauses, story.status) == ([], 529)


def test_deadline_a_timer_that_wakes_after_it_sends_nothing_more(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(1), [answer(529, retry_after=9)], chance=0.0, deadline_s=10.0, late=lambda: 1.0)
    assert (story.routes, story.status, story.end.reason) == (["r0"], 529, StopReason.DEADLINE)


def test_deadline_passed_during_a_send_lets_no_route_try(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(3), [answer(529)], took=lambda: 5.0, deadline_s=5.0)
    assert (story.routes, story.end.reason) == (["r0"], StopReason.DEADLINE)


def test_deadline_with_no_answer_at_all_ends_in_an_error_of_our_own(play: Any, snapshot: Any) -> None:
    story = play(snapshot(1), [OUR_TIMEOUT], took=lambda: 10.0, deadline_s=10.0)
    assert story.end == GiveUp(StopReason.DEADLINE, Cause.TIMEOUT)


def test_timeouts_of_calls_that_may_work_for_minutes_are_not_repeated(play: Any, snapshot: Any) -> None:
    story = play(snapshot(3), [OUR_TIMEOUT], timeout_repeats=False)
    assert (story.routes, story.end) == (["r0"], GiveUp(StopReason.MAY_BE_RUNNING, Cause.TIMEOUT))


def test_timeouts_of_such_calls_fall_back_to_the_answer_that_is_there(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(3), [answer(529), OUR_TIMEOUT], timeout_repeats=False)
    assert (story.routes, story.status) == (["r0", "r1"], 529)


def test_timeouts_of_streams_are_repeated(play: Any, snapshot: Any, answer: Any) -> None:
    assert play(snapshot(2), [OUR_TIMEOUT, answer(200)]).routes == ["r0", "r1"]


@pytest.mark.parametrize(
    ("routes", "spec", "facts", "elsewhere"),
    [
        (1, {}, {}, [False] * 4),
        (2, {}, {}, [True, False, False, False]),
        (3, {}, {}, [True, True, False, False]),
        (3, {}, {"max_attempts": 2}, [True, False]),
        (2, {"fallback": {"causes": ["ServerError"]}}, {}, [False] * 4),
        (2, {}, {"pinned": True}, [False] * 4),
    ],
)
def test_timeouts_first_byte_ends_only_what_has_an_untried_route_and_a_send_left(
    routes: int,
    spec: dict[str, Any],
    facts: dict[str, Any],
    elsewhere: list[bool],
    play: Any,
    snapshot: Any,
    answer: Any,
) -> None:
    story = play(snapshot(routes, **spec), [answer(500)], **facts)
    assert [sent.step.elsewhere for sent in story.sent] == elsewhere


def test_timeouts_an_open_breaker_or_a_lacking_credential_is_nowhere_to_go(
    play: Any, snapshot: Any, answer: Any
) -> None:
    for health in (HealthView(breaker_open=frozenset({1})), HealthView(credential_missing=frozenset({1}))):
        story = play(snapshot(2), [answer(200)], health=health)
        assert [sent.step.elsewhere for sent in story.sent] == [False]


def test_timeouts_another_model_on_a_tried_route_is_nowhere_to_go(
    play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot(1, fallback={"substitutions": [{"model": "m", "with": ["s"]}]})
    story = play(policy, [answer(200)])
    assert [sent.step.elsewhere for sent in story.sent] == [False]


def test_timeouts_told_by_the_upstream_are_repeated_for_every_call(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(1), [answer(408), answer(200)], timeout_repeats=False)
    assert story.routes == ["r0", "r0"]

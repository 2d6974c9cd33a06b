"""Which ends of a call tell the SDK to stop, row by row; all others leave the upstream's own word."""

from typing import Any

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.reasons import StopReason
from claude_sidecar.policy.x_should_retry import stops_the_sdk

LOST = Outcome(Cause.CONNECTION_FAILURE)
TIMED_OUT = Outcome(Cause.TIMEOUT, our_timeout=True)
RETRIED = [408, 429, 500, 502, 503, 504, 520, 529]


def stops(story: Any) -> bool:
    return stops_the_sdk(story.end, story.snapshot)


@pytest.mark.parametrize("status", RETRIED)
def test_it_stops_where_the_calls_sends_are_spent(status: int, play: Any, snapshot: Any, answer: Any) -> None:
    assert stops(play(snapshot(1), [answer(status)]))
    assert stops(play(snapshot(1), [answer(status)], max_attempts=1))


@pytest.mark.parametrize("lost", [LOST, TIMED_OUT])
def test_it_stops_where_all_sends_were_lost(lost: Outcome, play: Any, snapshot: Any) -> None:
    assert stops(play(snapshot(1), [lost]))


@pytest.mark.parametrize("status", RETRIED)
def test_it_stops_where_the_policy_repeats_no_such_cause(
    status: int, play: Any, snapshot: Any, answer: Any
) -> None:
    nothing = snapshot(2, retry={"causes": []}, fallback={"causes": []})
    assert stops(play(nothing, [answer(status)]))


def test_it_stops_where_no_repeat_can_help(play: Any, snapshot: Any, answer: Any) -> None:
    assert stops(play(snapshot(1), [answer(501)]))
    assert stops(play(snapshot(1), [answer(429, code="enforced_spend_limit_reached")]))
    assert stops(play(snapshot(1), [answer(429, code="enforced_spend_limit_reached")], repeatable=False))


def test_it_stops_where_the_wait_is_longer_than_the_policys_total(
    play: Any, snapshot: Any, answer: Any
) -> None:
    assert stops(play(snapshot(1), [answer(429, retry_after=601)]))
    assert not stops(play(snapshot(1), [answer(429, retry_after=599)]))
    assert not stops(play(snapshot(1), [answer(409, retry_after=601)]))


@pytest.mark.parametrize("status", [*RETRIED, 409])
@pytest.mark.parametrize("said", [None, True, False])
def test_what_passes_once_is_left_to_the_sdk(
    status: int, said: bool | None, play: Any, snapshot: Any, answer: Any
) -> None:
    assert not stops(play(snapshot(1), [answer(status, should_retry=said)], repeatable=False, max_attempts=1))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 422])
@pytest.mark.parametrize("said", [None, True, False])
def test_the_callers_own_faults_keep_the_upstreams_hints(
    status: int, said: bool | None, play: Any, snapshot: Any, answer: Any
) -> None:
    assert not stops(play(snapshot(1), [answer(status, should_retry=said)]))


def test_a_wait_that_the_deadline_forbids_leaves_it_to_the_sdk(play: Any, snapshot: Any, answer: Any) -> None:
    assert not stops(play(snapshot(1), [answer(529)], deadline_s=0.4))
    assert not stops(play(snapshot(1), [answer(429, retry_after=30)], deadline_s=20.0))


def test_a_wait_over_max_retry_after_leaves_it_to_the_sdk(play: Any, snapshot: Any, answer: Any) -> None:
    assert not stops(play(snapshot(1), [answer(429, retry_after=61)]))


def test_a_time_out_that_was_not_repeated_leaves_it_to_the_sdk(play: Any, snapshot: Any) -> None:
    assert not stops(play(snapshot(1), [TIMED_OUT], timeout_repeats=False))
    assert not stops(play(snapshot(1), [TIMED_OUT], took=lambda: 599.0))


def test_a_last_send_that_the_deadline_cut_short_leaves_it_to_the_sdk(play: Any, snapshot: Any) -> None:
    cut_short = play(snapshot(1), [TIMED_OUT], took=lambda: 599.0, max_attempts=1)
    assert (cut_short.end.reason, stops(cut_short)) == (StopReason.DEADLINE, False)


def test_an_upstream_that_forbids_the_repeat_says_so_itself(play: Any, snapshot: Any, answer: Any) -> None:
    assert not stops(play(snapshot(1), [answer(529, should_retry=False)]))


def test_a_call_that_could_not_be_sent_keeps_its_own_errors_word(
    play: Any, snapshot: Any, answer: Any
) -> None:
    no_route = play(snapshot([{"name": "a", "models": [{"name": "x"}]}]), [answer(200)])
    assert not stops(no_route)


def test_success_is_never_marked(play: Any, snapshot: Any, answer: Any) -> None:
    assert not stops(play(snapshot(1), [answer(529), answer(200)]))

"""Futile repeats: two cuts at one age end a route for the call."""

from typing import Any

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import GiveUp
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.reasons import StopReason
from claude_sidecar.policy.x_should_retry import stops_the_sdk


def cut(age_s: float | None, *, reused: bool = False) -> Outcome:
    return Outcome(Cause.CONNECTION_FAILURE, cut_after_s=age_s, reused_connection_died=reused)


@pytest.mark.parametrize(("first", "second"), [(60, 60), (60, 75), (75, 60), (10.1, 12.6)])
def test_two_cuts_at_one_age_end_the_route_for_the_call(
    first: float, second: float, play: Any, snapshot: Any
) -> None:
    story = play(snapshot(1), [cut(first), cut(second)])
    assert (story.routes, story.end) == (["r0"] * 2, GiveUp(StopReason.FUTILE, Cause.CONNECTION_FAILURE))
    assert stops_the_sdk(story.end, story.snapshot)


@pytest.mark.parametrize(
    ("first", "second"), [(60, 76), (76, 60), (10, 10), (9, 11), (60, None), (None, None), (0.1, 0.1)]
)
def test_cuts_that_are_young_or_far_apart_are_repeated(
    first: float | None, second: float | None, play: Any, snapshot: Any
) -> None:
    story = play(snapshot(1), [cut(first), cut(second), cut(None)])
    assert (len(story.sent), story.end.reason) == (4, StopReason.ATTEMPTS_SPENT)


def test_two_of_three_cuts_are_enough(play: Any, snapshot: Any) -> None:
    assert len(play(snapshot(1), [cut(60), cut(200), cut(62), cut(62)]).sent) == 3


def test_a_reused_connection_that_died_does_not_count(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [cut(60, reused=True), cut(60), answer(200)])
    assert story.status == 200


def test_another_route_is_still_tried(play: Any, snapshot: Any, answer: Any) -> None:
    """And the futile one is not, whatever the round."""
    script = [cut(60), answer(529), cut(61), answer(529), answer(529)]
    story = play(snapshot(2), script, max_attempts=5)
    assert story.routes == ["r0", "r1", "r0", "r1", "r1"]
    assert story.status == 529


def test_cuts_of_different_routes_are_not_taken_together(play: Any, snapshot: Any, answer: Any) -> None:
    assert play(snapshot(2), [cut(60), cut(60), answer(200)]).routes == ["r0", "r1", "r0"]


def test_an_answer_that_is_there_is_delivered_with_the_word_to_stop(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(1), [answer(529), cut(60), cut(61)])
    assert (story.status, story.end.reason) == (529, StopReason.FUTILE)
    assert stops_the_sdk(story.end, story.snapshot)


def test_a_repeat_behind_a_lost_connection_takes_no_pooled_one(play: Any, snapshot: Any, answer: Any) -> None:
    """One that died of the same would pass for one that was lost while idle."""
    story = play(snapshot(1), [cut(60), answer(529), answer(200)])
    assert [sent.step.fresh for sent in story.sent] == [False, True, False]
    elsewhere = play(snapshot(2), [cut(60), answer(200)])
    assert [sent.step.fresh for sent in elsewhere.sent] == [False, False]
    next_round = play(snapshot(2), [cut(None), cut(None), answer(200)])
    assert [sent.step.fresh for sent in next_round.sent] == [False, False, True]

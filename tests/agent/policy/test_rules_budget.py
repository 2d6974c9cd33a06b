"""The retry budget in a call: which repeats need a turn, which are free, which turn is too late."""

from math import inf
from typing import Any

import pytest

from claude_sidecar.policy.moment import HealthView, at_once
from claude_sidecar.policy.reasons import StopReason


def never(wanted_s: float) -> float:
    return inf


def behind_by(seconds: float) -> HealthView:
    """A budget whose turns come that much later than wanted."""
    return HealthView(turn=lambda wanted_s: wanted_s + seconds)


EMPTY = HealthView(turn=never)


def test_budget_beyond_the_pace_a_repeat_waits_for_its_turn(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(529), answer(200)], health=behind_by(3.0), chance=0.5)
    assert (story.status, story.pauses) == (200, [3.5])
    assert [(wait.reason, wait.turn_from_s) for _, wait in story.waits] == [("budget", 0.5)]


def test_budget_within_the_pace_a_repeat_waits_for_its_backoff_alone(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(1), [answer(529), answer(200)], chance=0.5)
    assert [(wait.reason, wait.seconds) for _, wait in story.waits] == [("backoff", 0.5)]


@pytest.mark.parametrize(
    ("behind", "facts", "routes"),
    [
        (29.0, {}, ["r0", "r0"]),
        (31.0, {}, ["r0"]),
        (9.0, {"deadline_s": 9.0}, ["r0"]),
        (8.0, {"deadline_s": 9.0}, ["r0", "r0"]),
    ],
)
def test_budget_a_turn_later_than_backoff_max_or_the_deadline_is_not_waited_for(
    behind: float, facts: dict[str, float], routes: list[str], play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(1), [answer(529), answer(200)], health=behind_by(behind), chance=0.5, **facts)
    assert story.routes == routes
    assert story.end.reason is (StopReason.SUCCESS if len(routes) == 2 else StopReason.TURN_TOO_LATE)


def test_budget_an_opened_call_waits_for_any_turn_before_the_end_of_total(
    play: Any, snapshot: Any, answer: Any
) -> None:
    """No SDK stands behind it any more, and its own time-out is lifted."""
    times = {"deadline_s": 9.75, "total_by_s": 599.75}
    late = play(snapshot(1), [answer(529), answer(200)], health=behind_by(500.0), opened=True, **times)
    assert (late.status, late.pauses) == (200, [500.5])
    too_late = play(snapshot(1), [answer(529), answer(200)], health=behind_by(600.0), opened=True, **times)
    assert (too_late.status, too_late.end.reason) == (529, StopReason.TURN_TOO_LATE)


def test_budget_a_long_retry_after_needs_no_turn_sooner_than_it_says(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(1), [answer(529, retry_after=45), answer(200)], chance=0.0)
    assert (story.status, story.pauses) == (200, [45])


def test_budget_another_model_of_a_tried_route_waits_for_its_turn_within_the_round(
    play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot(1, fallback={"substitutions": [{"model": "m", "with": ["s"]}]})
    story = play(policy, [answer(529), answer(200)], health=behind_by(0.2))
    assert [sent.where.model for sent in story.sent] == ["m", "s"]
    assert [(wait.reason, wait.seconds) for _, wait in story.waits] == [("budget", 0.2)]


def test_budget_without_a_turn_sends_the_only_route_no_repeat(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(529)], health=EMPTY)
    assert (story.routes, story.status, story.end.reason) == (["r0"], 529, StopReason.TURN_TOO_LATE)


def test_budget_without_a_turn_begins_no_round_but_fresh_routes_are_free(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(3), [answer(529)], health=EMPTY)
    assert (story.routes, story.pauses) == (["r0", "r1", "r2"], [])
    assert story.budget_spent == 0


def test_budget_lets_a_429s_retry_after_be_obeyed(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(429, retry_after=2)], health=EMPTY)
    assert len(story.sent) == 4
    assert story.budget_spent == 0


def test_budget_pays_for_a_429_without_retry_after(play: Any, snapshot: Any, answer: Any) -> None:
    assert len(play(snapshot(1), [answer(429)], health=EMPTY).sent) == 1
    assert play(snapshot(1), [answer(429)]).budget_spent == 3


def test_budget_pays_for_a_529_even_with_retry_after(play: Any, snapshot: Any, answer: Any) -> None:
    assert len(play(snapshot(1), [answer(529, retry_after=2)], health=EMPTY).sent) == 1


def test_budget_pays_once_for_each_repeat(play: Any, snapshot: Any, answer: Any) -> None:
    assert play(snapshot(1), [answer(529)]).budget_spent == 3
    assert play(snapshot(2, retry={"maxAttempts": 6}), [answer(529)]).budget_spent == 4
    assert play(snapshot(4), [answer(529)]).budget_spent == 0


def test_budget_without_a_turn_in_a_later_round_still_lets_a_fresh_route_try(
    play: Any, snapshot: Any, answer: Any
) -> None:
    """The third route's breaker lets it be tried in the second round only."""

    def health(now: float) -> HealthView:
        return HealthView(
            breaker_open=frozenset({2} if now < 0.4 else ()), turn=at_once if now < 0.4 else never
        )

    story = play(snapshot(3, retry={"maxAttempts": 9}), [answer(529)], health=health)
    assert story.routes == ["r0", "r1", "r0", "r2"]
    assert story.end.reason is StopReason.TURN_TOO_LATE


def test_budget_pays_for_a_repeat_that_the_upstream_forces(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(400, should_retry=True)], health=EMPTY)
    assert (len(story.sent), story.end.reason) == (1, StopReason.TURN_TOO_LATE)


def test_budget_pays_for_a_repeat_to_a_route_that_was_free_before_the_429s_time(
    play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot(2, fallback={"causes": ["Overloaded", "RateLimit"]})
    story = play(policy, [answer(529), answer(429, retry_after=30)], health=EMPTY)
    assert story.routes == ["r0", "r1"]
    assert story.end.reason == StopReason.TURN_TOO_LATE

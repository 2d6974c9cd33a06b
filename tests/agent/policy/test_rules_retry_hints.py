"""Retry hints: x-should-retry and retry-after steer what comes next."""

from typing import Any

import pytest

from claude_sidecar.policy.reasons import StopReason


def test_should_retry_false_ends_the_call_on_that_route(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(529, should_retry=False)])
    assert (story.routes, story.status) == (["r0"], 529)


def test_should_retry_false_still_lets_another_route_try(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(2), [answer(529, should_retry=False), answer(529)])
    assert story.routes == ["r0", "r1", "r1", "r1"]


def test_should_retry_false_from_every_route_ends_the_call(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(2), [answer(529, should_retry=False)])
    assert (story.routes, story.pauses) == (["r0", "r1"], [])


def test_should_retry_false_ends_the_call_on_that_route_for_substitutes_too(
    play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot(2, fallback={"substitutions": [{"model": "m", "with": ["s"]}]})
    story = play(policy, {"r0": answer(529, should_retry=False), "r1": answer(529)})
    assert [(sent.where.route, sent.where.model) for sent in story.sent] == [
        ("r0", "m"),
        ("r1", "m"),
        ("r1", "s"),
        ("r1", "m"),
    ]


def test_should_retry_false_on_a_rate_limit_is_obeyed(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(429, retry_after=1, should_retry=False)])
    assert (story.routes, story.status) == (["r0"], 429)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422, 529])
def test_should_retry_true_forces_a_repeat_while_attempts_remain(
    status: int, play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot(2, retry={"causes": []}, fallback={"causes": []})
    story = play(policy, [answer(status, should_retry=True)])
    assert (story.routes, story.pauses) == (["r0"] * 4, [0.5, 1.0, 2.0])


@pytest.mark.parametrize(
    ("status", "code"), [(401, None), (402, None), (429, "enforced_spend_limit_reached")]
)
def test_should_retry_true_forces_nothing_for_credential_and_money(
    status: int, code: str | None, play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(1), [answer(status, code=code, should_retry=True)])
    assert (story.routes, story.status) == (["r0"], status)


def test_should_retry_true_still_prefers_a_route_that_fallback_allows(
    play: Any, snapshot: Any, answer: Any
) -> None:
    assert play(snapshot(2), [answer(529, should_retry=True), answer(200)]).routes == ["r0", "r1"]


@pytest.mark.parametrize("chance", [0.0, 0.3, 0.999])
def test_retry_after_is_a_floor_with_jitter_on_top(
    chance: float, play: Any, snapshot: Any, answer: Any
) -> None:
    for status in (429, 529):
        story = play(snapshot(1), [answer(status, retry_after=0.5), answer(200)], chance=chance)
        assert story.pauses == [0.5 + chance]


def test_retry_after_of_no_limit_is_under_the_backoff_too(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(529), answer(529, retry_after=0.25), answer(200)], chance=0.9)
    assert story.pauses == pytest.approx([0.9, 1.8])


def test_retry_hints_jitter_grows_with_a_long_retry_after(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(429, retry_after=40), answer(200)], chance=0.5)
    assert story.pauses == [42.0]


def test_retry_hints_jitter_does_not_carry_a_wait_past_the_deadline(
    play: Any, snapshot: Any, answer: Any
) -> None:
    story = play(snapshot(1), [answer(429, retry_after=9.5), answer(200)], chance=0.999, deadline_s=10.0)
    assert (story.status, len(story.sent)) == (200, 2)
    assert 9.5 <= story.pauses[0] < 10.0


def test_retry_after_of_a_rate_limit_gets_jitter_on_top(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(429, retry_after=3)], chance=0.5)
    assert story.pauses == [3.5, 3.5, 3.5]


def test_retry_after_counts_from_the_answer(play: Any, snapshot: Any, answer: Any) -> None:
    """What other sends took meanwhile has been waited already."""
    script = [answer(529, retry_after=9), answer(529, retry_after=9)]
    story = play(snapshot(2), script, took=lambda: 4.0, chance=0.0)
    assert story.routes[:3] == ["r0", "r1", "r0"]
    assert story.pauses[0] == 5.0


def test_retry_after_as_long_as_allowed_is_waited_for(play: Any, snapshot: Any, answer: Any) -> None:
    assert play(snapshot(1), [answer(529, retry_after=60), answer(200)], chance=0.0).pauses == [60]


def test_retry_after_over_the_maximum_is_delivered_at_once(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(2), [answer(429, retry_after=60.1)])
    assert (story.routes, story.pauses, story.status) == (["r0"], [], 429)
    assert story.end.reason is StopReason.RETRY_AFTER_TOO_LONG


def test_retry_after_of_days_goes_to_another_route_if_fallback_names_the_cause(
    play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot(2, fallback={"causes": ["RateLimit"]})
    story = play(policy, [answer(429, retry_after=403973), answer(429, retry_after=2), answer(200)])
    assert story.routes == ["r0", "r1", "r1"]
    assert play(policy, [answer(429, retry_after=403973)]).routes == ["r0", "r1"]


def test_retry_after_beyond_deadline_gives_up(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(529, retry_after=30)], deadline_s=29.0)
    assert (story.pauses, story.status) == ([], 529)
    assert story.end.reason is StopReason.RETRY_AFTER_TOO_LONG


def test_retry_after_beyond_deadline_goes_to_another_route(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(2), [answer(529, retry_after=30), answer(200)], deadline_s=29.0)
    assert (story.routes, story.status) == (["r0", "r1"], 200)


def test_retry_hints_a_later_retry_after_replaces_an_earlier_one(
    play: Any, snapshot: Any, answer: Any
) -> None:
    outcomes = [answer(529, retry_after=1), answer(529, retry_after=20), answer(200)]
    assert play(snapshot(1), outcomes, chance=0.0).pauses == [1, 20]


def test_retry_hints_a_wait_is_over_when_the_timer_wakes_a_grain_early(
    play: Any, snapshot: Any, answer: Any
) -> None:
    outcomes = [answer(529, retry_after=5), answer(200)]
    story = play(snapshot(1), outcomes, chance=0.0, late=lambda: -0.0005)
    assert (story.routes, len(story.pauses)) == (["r0", "r0"], 1)

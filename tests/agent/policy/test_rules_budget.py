"""The rule "Budget": which repeats it pays for, which are free, what a refusal means."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.policy.budget import RetryBudget
from claude_sidecar.policy.decide import HealthView
from claude_sidecar.policy.step import Ending

EMPTY = HealthView(budget_allows=False)


def repeats_allowed(budget: RetryBudget, now: float, percent: float, min_per_s: float) -> int:
    """How many repeats pass at one moment."""
    passed = 0
    while budget.allows(now, percent, min_per_s) and passed < 10_000:
        budget.spend(now)
        passed += 1
    return passed


@pytest.mark.parametrize(
    ("calls", "percent", "min_per_s", "expected"),
    [(0, 20, 1, 10), (100, 20, 1, 30), (100, 20, 0, 20), (4, 20, 0, 0), (5, 20, 0, 1), (100, 0, 0, 0)],
)
def test_budget_is_a_share_of_calls_and_a_floor(
    calls: int, percent: float, min_per_s: float, expected: int
) -> None:
    budget = RetryBudget()
    for _ in range(calls):
        budget.call(5.0)
    assert repeats_allowed(budget, 5.0, percent, min_per_s) == expected


def test_budget_looks_back_ten_seconds() -> None:
    budget = RetryBudget()
    assert repeats_allowed(budget, 100.0, 0, 1) == 10
    assert repeats_allowed(budget, 108.9, 0, 1) == 0
    assert repeats_allowed(budget, 110.0, 0, 1) == 10
    for _ in range(10):
        budget.call(111.0)
    assert not budget.allows(111.0, 50, 0)
    assert repeats_allowed(budget, 120.5, 50, 0) == 5


@given(
    st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=120),
    st.sampled_from([0, 10, 20, 100]),
    st.sampled_from([0, 0.1, 1]),
)
def test_budget_never_lets_more_pass_in_its_window(
    events: list[tuple[float, bool]], percent: float, min_per_s: float
) -> None:
    """Buckets are a second wide: what is counted reaches back nine to ten seconds."""
    budget, now = RetryBudget(), 0.0
    calls: list[float] = []
    spent: list[float] = []
    for gap, is_call in events:
        now += gap
        if is_call:
            budget.call(now)
            calls.append(now)
        elif budget.allows(now, percent, min_per_s):
            budget.spend(now)
            spent.append(now)
            repeats = sum(at > now - 9 for at in spent)
            assert repeats <= sum(at >= now - 10 for at in calls) * percent / 100 + 10 * min_per_s


def test_budget_refuses_a_repeat_on_the_only_route(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(529)], health=EMPTY)
    assert (story.routes, story.status, story.end.ending) == (["r0"], 529, Ending.BUDGET_REFUSED)


def test_budget_refuses_a_new_round_but_fresh_routes_are_free(play: Any, snapshot: Any, answer: Any) -> None:
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


def test_budget_refused_in_a_later_round_still_lets_a_fresh_route_try(
    play: Any, snapshot: Any, answer: Any
) -> None:
    """The third route's breaker lets it be tried in the second round only."""

    def health(now: float) -> HealthView:
        return HealthView(breaker_open=frozenset({2} if now < 0.4 else ()), budget_allows=now < 0.4)

    story = play(snapshot(3, retry={"maxAttempts": 9}), [answer(529)], health=health)
    assert story.routes == ["r0", "r1", "r0", "r2"]
    assert story.end.ending is Ending.BUDGET_REFUSED


def test_budget_pays_for_a_repeat_that_the_upstream_forces(play: Any, snapshot: Any, answer: Any) -> None:
    story = play(snapshot(1), [answer(400, should_retry=True)], health=EMPTY)
    assert (len(story.sent), story.end.ending) == (1, Ending.BUDGET_REFUSED)


def test_budget_pays_for_a_repeat_to_a_route_that_was_free_before_the_429s_time(
    play: Any, snapshot: Any, answer: Any
) -> None:
    policy = snapshot(2, fallback={"causes": ["Overloaded", "RateLimit"]})
    story = play(policy, [answer(529), answer(429, retry_after=30)], health=EMPTY)
    assert story.routes == ["r0", "r1"]
    assert story.end.ending == Ending.BUDGET_REFUSED

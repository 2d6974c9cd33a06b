"""The retry budget alone: a pace that holds over any ten seconds, turns in order of asking, none lost."""

import sys
from dataclasses import dataclass, field
from math import inf
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_sidecar.policy.budget import WINDOW_S, Pace, RetryBudget, Turn

ROUTE = ("a", "https://a")
WAITING_FOR = frozenset({ROUTE})
DEFAULT = Pace(20, 10, 30.0)
ONE_A_SECOND = Pace(0, 1, 30.0)
AT_ONCE = 2
GRAIN_S = 1e-6


def turns_at(budget: RetryBudget, wanted: list[float], now: float = 0.0, pace: Pace = DEFAULT) -> list[float]:
    return [budget.reserve(each, now, pace, WAITING_FOR).at_s for each in wanted]


def budget_after(calls: int, now: float = 0.0) -> RetryBudget:
    budget = RetryBudget()
    for _ in range(calls):
        budget.call(now)
    return budget


def test_repeats_come_second_by_second_where_calls_may_be_made_to_wait() -> None:
    assert turns_at(budget_after(0), [0.0] * 25) == [0.0] * 10 + [1.0] * 10 + [2.0] * 5
    assert turns_at(budget_after(500), [0.0] * 25) == [0.0] * 20 + [1.0] * 5


def test_a_small_pace_lets_repeats_go_one_by_one() -> None:
    assert turns_at(budget_after(25), [0.0] * 3, pace=Pace(20, 0, 30.0)) == [0.0, 2.0, 4.0]


def test_repeats_come_at_once_up_to_the_pace_of_ten_seconds_where_no_call_may_wait() -> None:
    pace = Pace(50, 0, 0.0)
    times = turns_at(budget_after(10), [0.0] * 6, pace=pace)
    assert times == [0.0] * 5 + [10.0]


@pytest.mark.parametrize(
    ("calls", "pace"), [(0, Pace(100, 0, 30.0)), (4, Pace(20, 0, 30.0)), (50, Pace(0, 0, 0.0))]
)
def test_a_pace_of_less_than_one_repeat_gives_no_turn(calls: int, pace: Pace) -> None:
    assert budget_after(calls).foresee(3.0, 0.0, pace) == inf


def test_calls_count_for_ten_seconds() -> None:
    budget = budget_after(5)
    assert budget.foresee(9.0, 9.0, Pace(20, 0, 0.0)) == 9.0
    assert budget.foresee(10.5, 10.5, Pace(20, 0, 0.0)) == inf


def test_a_turn_is_the_first_room_after_its_backoff() -> None:
    times = turns_at(budget_after(0), [5.0, 0.0, 4.5, 5.5], pace=ONE_A_SECOND)
    assert times == [5.0, 0.0, 6.0, 7.0]


def test_a_turn_given_back_goes_to_who_asked_first_and_its_room_to_the_next() -> None:
    budget = budget_after(0)
    first, second, later, third = (
        budget.reserve(wanted, 0.0, ONE_A_SECOND, WAITING_FOR) for wanted in (0.0, 0.0, 1.5, 0.0)
    )
    assert [first.at_s, second.at_s, later.at_s, third.at_s] == [0.0, 1.0, 2.0, 3.0]
    budget.give_back(first)
    assert [second.at_s, later.at_s, third.at_s] == [0.0, 2.0, 1.0]


def test_a_turn_that_came_may_be_given_back_and_leaves_its_room_to_who_waits() -> None:
    budget = budget_after(0)
    came, waiting = (budget.reserve(0.0, 0.0, ONE_A_SECOND, WAITING_FOR) for _ in range(2))
    assert budget.foresee(0.5, 0.5, ONE_A_SECOND) == 2.0
    budget.give_back(came)
    assert waiting.at_s == 0.0
    budget.take(waiting)
    assert budget.foresee(0.5, 0.5, ONE_A_SECOND) == 1.0


def test_who_sleeps_on_a_turn_is_told_when_it_comes_forward() -> None:
    budget, told = budget_after(0), []
    first = budget.reserve(0.0, 0.0, ONE_A_SECOND, WAITING_FOR)
    second = budget.reserve(0.0, 0.0, ONE_A_SECOND, WAITING_FOR)
    second.moved = lambda: told.append(second.at_s)
    budget.give_back(first)
    assert told == [0.0]


def test_a_success_doubles_the_pace_of_those_who_wait_for_the_route_once_a_second() -> None:
    budget = RetryBudget()
    turns = [budget.reserve(0.0, 0.0, ONE_A_SECOND, WAITING_FOR) for _ in range(6)]
    other = budget.reserve(0.0, 0.0, ONE_A_SECOND, frozenset({("b", "https://b")}))
    budget.take(turns.pop(0))
    budget.succeeded(ROUTE, 0.0)
    assert [turn.at_s for turn in turns] == [0.5, 1.0, 1.5, 2.0, 2.5]
    budget.succeeded(ROUTE, 0.9)
    assert turns[-1].at_s == 2.5
    budget.succeeded(ROUTE, 1.0)
    assert [turn.at_s for turn in turns[2:]] == [1.25, 1.5, 1.75]
    assert other.at_s == 6.0


def test_a_success_brings_no_turn_before_its_backoff_is_over() -> None:
    budget = RetryBudget()
    turns = [budget.reserve(5.0, 0.0, ONE_A_SECOND, WAITING_FOR) for _ in range(3)]
    budget.succeeded(ROUTE, 0.0)
    assert [turn.at_s for turn in turns] == [5.0, 5.5, 6.0]


@dataclass
class Play:
    """A budget in use: each event comes at its time, due turns are taken, what happened is noted."""

    pace: Pace
    budget: RetryBudget = field(default_factory=RetryBudget)
    now: float = 0.0
    waiting: list[Turn] = field(default_factory=list)
    taken: list[tuple[float, int]] = field(default_factory=list)
    doublings: dict[int, int] = field(default_factory=dict)
    most: int = 0

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for turn in sorted(self.waiting, key=lambda turn: turn.at_s):
            if turn.at_s <= self.now:
                self.waiting.remove(turn)
                self.budget.take(turn)
                self.taken.append((turn.at_s, self.doublings.get(id(turn), 0)))

    def ask(self, backoff: float) -> None:
        wanted = self.now + backoff
        foreseen = self.budget.foresee(wanted, self.now, self.pace)
        if foreseen == inf:
            return
        turn = self.budget.reserve(wanted, self.now, self.pace, WAITING_FOR)
        assert turn.at_s == foreseen
        self.waiting.append(turn)

    def leave(self, place: int) -> None:
        if self.waiting:
            self.budget.give_back(self.waiting.pop(place % len(self.waiting)))

    def succeed(self) -> None:
        before = [turn.at_s for turn in self.waiting]
        self.budget.succeeded(ROUTE, self.now)
        if before != [turn.at_s for turn in self.waiting]:
            for turn in self.waiting:
                self.doublings[id(turn)] = self.doublings.get(id(turn), 0) + 1


gaps = st.sampled_from([0.0, 0.0, 0.01, 0.3, 2.0, 11.0])
backoffs = st.sampled_from([0.0, 0.0, 0.4, 3.0]) | st.floats(0, 4)
paces = st.builds(
    Pace, st.sampled_from([0, 20, 100]), st.sampled_from([0, 1, 3]), st.sampled_from([0.0, 0.02, 2.0, 30.0])
)
asks = st.tuples(st.just("ask"), backoffs)
leaves = st.tuples(st.just("leave"), st.integers(0, 30))
calls = st.tuples(st.just("call"), st.just(0.0))
successes = st.tuples(st.just("success"), st.just(0.0))


def perform(play: Play, events: list[tuple[float, tuple[str, float]]]) -> None:
    calls_at: list[float] = []
    for gap, (what, value) in events:
        play.pass_time(gap)
        match what:
            case "ask":
                within = sum(at > play.now - WINDOW_S for at in calls_at)
                play.most = max(play.most, int(within * play.pace.percent / 100 + 10 * play.pace.min_per_s))
                play.ask(value)
            case "leave":
                play.leave(int(value))
            case "call":
                play.budget.call(play.now)
                calls_at.append(play.now)
            case _:
                play.succeed()
        assert all(turn.at_s >= turn.from_s for turn in play.waiting)


def test_storm_costs_one_search_for_room_and_not_one_a_call() -> None:
    """Counted, not timed: every look at a window of the pace."""
    budget, pace, looks = RetryBudget(), DEFAULT, 0

    def counted(frame: FrameType, event: str, _: object) -> None:
        nonlocal looks
        looks += event == "call" and frame.f_code.co_name == "_blocked_until"

    for _ in range(512):
        budget.call(0.0)
    sys.setprofile(counted)
    try:
        for number in range(512):
            budget.reserve(1 + number / 512, 1.0, pace, frozenset())
    finally:
        sys.setprofile(None)
    assert 512 <= looks < 512 * 12


@given(paces, st.lists(st.tuples(gaps, asks | asks | asks | leaves | calls), max_size=60))
@settings(max_examples=150)
def test_over_any_ten_seconds_repeats_keep_the_pace(
    pace: Pace, events: list[tuple[float, tuple[str, float]]]
) -> None:
    """The pace of the moment of asking, which grows with calls: the largest that was in force."""
    play = Play(pace)
    perform(play, events)
    play.pass_time(10_000.0)
    times = sorted(at for at, _ in play.taken)
    for at in times:
        assert sum(at <= other < at + WINDOW_S - GRAIN_S for other in times) <= play.most


@given(st.lists(st.tuples(gaps, asks | asks | successes), max_size=60))
@settings(max_examples=150)
def test_over_any_ten_seconds_repeats_keep_the_pace_that_successes_doubled(
    events: list[tuple[float, tuple[str, float]]],
) -> None:
    """A repeat that was doubled k times takes a 2^k-th of the room."""
    play = Play(Pace(0, AT_ONCE, 30.0))
    perform(play, events)
    play.pass_time(10_000.0)
    taken = sorted(play.taken)
    for at, _ in taken:
        within = [2.0**-times for other, times in taken if at <= other < at + WINDOW_S - GRAIN_S]
        assert sum(within) <= 20 + AT_ONCE


@given(paces, st.lists(st.tuples(gaps, asks | asks | leaves), max_size=50))
@settings(max_examples=150)
def test_turns_are_given_in_order_of_asking(
    pace: Pace, events: list[tuple[float, tuple[str, float]]]
) -> None:
    """Who asked later goes first only where who asked earlier is still in its backoff."""
    play = Play(pace)
    for event in events:
        perform(play, [event])
        for place, earlier in enumerate(play.waiting):
            for later in play.waiting[place + 1 :]:
                assert earlier.at_s <= later.at_s or earlier.from_s > later.at_s


@given(paces, st.lists(st.tuples(gaps, asks | asks | leaves), max_size=50), backoffs)
@settings(max_examples=100)
def test_no_room_is_lost_when_turns_are_given_back(
    pace: Pace, events: list[tuple[float, tuple[str, float]]], backoff: float
) -> None:
    """With everyone gone, who asks next gets what it would get had they never asked."""
    play = Play(pace)
    perform(play, events)
    while play.waiting:
        play.leave(0)
    untouched = RetryBudget()
    for at, _ in play.taken:
        untouched.take(untouched.reserve(at, at, pace, WAITING_FOR))
    wanted = play.now + backoff
    assert play.budget.foresee(wanted, play.now, pace) == pytest.approx(
        untouched.foresee(wanted, play.now, pace)
    )

"""The retry budget: a pace for repeats, so that an outage is answered by a queue and not by a storm.

After Finagle's RetryBudget and Linkerd's, which refuse what is beyond it; here it waits for its turn.
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from claude_sidecar.policy.window import TrailingCounts
from claude_sidecar.schema.snapshot import Snapshot

WINDOW_S = 10.0
DOUBLING_S = 1.0
_AT_ONCE_S = 1.0
"""At least so much of the pace may go at once: a single call's repeats need not wait for one another."""

_GRAIN_S = 1e-9
"""Sums of times are equal but for this."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Over ten seconds, repeats may be `percent` of calls plus ten times `min_per_s`.

    patience_s: how long a call may be made to wait, `backoff.max`. Where that is long, no more go at once
    than a second's worth, so that a storm is spread over an outage instead of spent on its first moments;
    where it is short, as many more as those who may not wait need.
    """

    percent: int
    min_per_s: int
    patience_s: float


def pace_of(snapshot: Snapshot) -> Pace:
    """The pace that a policy sets."""
    retry = snapshot.retry
    return Pace(retry.budget.percent, retry.budget.min_per_second, retry.backoff.max_s)


class Turn:
    """A reserved time for one repeat.

    at_s: when; it may be brought forward, of which `moved` is told, but not before `from_s`. routes: the
    ones it is waiting for; a success on one of them brings it forward.
    """

    __slots__ = ("at_s", "from_s", "moved", "routes")

    def __init__(self, at_s: float, from_s: float, routes: frozenset[tuple[str, str]]) -> None:
        self.at_s = at_s
        self.from_s = from_s
        self.routes = routes
        self.moved: Callable[[], None] = _nobody_waits


def _nobody_waits() -> None:
    """Nobody sleeps on this turn yet."""


def _by_time(turn: Turn) -> float:
    return turn.at_s


class _Full(NamedTuple):
    """A stretch without room at a pace, found by an earlier search: more repeats never make room in it.

    So a storm costs one search and not one for each of its calls.
    """

    from_s: float
    until_s: float


_NOTHING_FULL = _Full(math.inf, -math.inf)
_PACES_KEPT = 16
"""The pace moves with the calls of the last ten seconds, up and down by a few."""


class RetryBudget:
    """Gives turns in order of asking: each the first moment with room from when its backoff is over.

    Room that is given back goes to who has waited longest and may have it, whose room goes to the next.
    Told the time; seconds on one clock throughout.
    """

    __slots__ = ("_calls", "_doubled", "_full", "_times", "_waiting")

    def __init__(self) -> None:
        self._calls = TrailingCounts(WINDOW_S)
        self._times: list[float] = []  # of repeats made and reserved, in order
        self._waiting: list[Turn] = []  # by time
        self._doubled: dict[tuple[str, str], float] = {}
        self._full: dict[tuple[int, int], _Full] = {}  # by pace

    def call(self, now: float) -> None:
        """A call arrived."""
        self._calls.add(now, first=1)

    def foresee(self, wanted_s: float, now: float, pace: Pace) -> float:
        """When the turn would be of who asks now; infinite where the pace is none."""
        slot = self._first_room(wanted_s, now, pace)
        for turn in self._may_have(slot):
            slot = turn.at_s
        return slot

    def reserve(self, wanted_s: float, now: float, pace: Pace, routes: frozenset[tuple[str, str]]) -> Turn:
        """The turn of who asks now; it is to be taken or given back. There must be one to foresee."""
        slot = self._first_room(wanted_s, now, pace)
        insort(self._times, slot)
        turn = Turn(self._hand_on(slot), wanted_s, routes)
        insort(self._waiting, turn, key=_by_time)
        return turn

    def take(self, turn: Turn) -> None:
        """The repeat is sent."""
        self._waiting.remove(turn)

    def give_back(self, turn: Turn) -> None:
        """The repeat will not be sent."""
        self._waiting.remove(turn)
        self._forget(self._hand_on(turn.at_s))

    def succeeded(self, route: tuple[str, str], now: float) -> None:
        """An attempt ended well: at most once a second this doubles the pace of who waits for its route."""
        if not self._waiting:
            self._doubled.clear()
            return
        if now < self._doubled.get(route, -math.inf) + DOUBLING_S:
            return
        waiting = [turn for turn in self._waiting if route in turn.routes and turn.at_s > now]
        if waiting:
            self._doubled[route] = now
            self._full.clear()
        before = sooner = now
        for turn in waiting:
            sooner = max(turn.from_s, sooner + (turn.at_s - before) / 2)
            before = turn.at_s
            self._forget(before)
            insort(self._times, sooner)
            _move(turn, sooner)
        self._waiting.sort(key=_by_time)

    def _first_room(self, wanted_s: float, now: float, pace: Pace) -> float:
        """The first moment, from `wanted_s` on, at which one more repeat keeps the pace."""
        self._calls.advance(now)
        del self._times[: bisect_left(self._times, now - WINDOW_S)]
        most = int(self._calls.first * pace.percent / 100 + WINDOW_S * pace.min_per_s)
        if most < 1:
            return math.inf
        spread_s = min(pace.patience_s, WINDOW_S - _AT_ONCE_S)
        burst = math.ceil(most * (1 - spread_s / WINDOW_S))
        full = self._full.get((most, burst), _NOTHING_FULL)
        at, from_s = wanted_s, wanted_s
        while True:
            if full.from_s <= at < full.until_s:
                at, from_s = full.until_s, min(from_s, full.from_s)
            later = max(
                self._blocked_until(at, WINDOW_S * burst / most, burst),
                self._blocked_until(at, WINDOW_S, most),
            )
            if later <= at:
                break
            at = later
        if at >= full.until_s:
            if len(self._full) >= _PACES_KEPT:
                self._full.clear()
            self._full[most, burst] = _Full(from_s, at)
        return at

    def _blocked_until(self, at: float, window_s: float, most: int) -> float:
        """`at`, or a later moment if with it some window would hold more than `most` repeats."""
        times = self._times
        index, longest_s = bisect_right(times, at), window_s - _GRAIN_S
        lowest, highest = max(0, index - most), min(index, len(times) - most)
        if highest < lowest:
            return at
        # The windows before, around and behind `at`; a call in a storm asks this for dozens of moments.
        if lowest == index - most:
            if at - times[lowest] < longest_s:
                return times[lowest] + window_s
            lowest += 1
        within = min(highest + 1, index)
        for earliest, latest in zip(times[lowest:within], times[lowest + most - 1 :], strict=False):
            if latest - earliest < longest_s:
                return earliest + window_s
        if highest == index and times[index + most - 1] - at < longest_s:
            return times[index] + window_s
        return at

    def _may_have(self, slot: float) -> list[Turn]:
        """Whom free room brings forward, first to last: each leaves its own room to the next."""
        found = []
        for turn in self._waiting[bisect_right(self._waiting, slot, key=_by_time) :]:
            if turn.from_s <= slot:
                found.append(turn)
                slot = turn.at_s
        return found

    def _hand_on(self, slot: float) -> float:
        """Bring forward whom free room helps, and say which room is free then."""
        helped = self._may_have(slot)
        for turn in helped:
            freed = turn.at_s
            _move(turn, slot)
            slot = freed
        if helped:
            self._waiting.sort(key=_by_time)
        return slot

    def _forget(self, at: float) -> None:
        """A reserved time is not used; one that is older than the window was forgotten before."""
        self._full.clear()
        place = bisect_left(self._times, at)
        if place < len(self._times) and self._times[place] == at:
            del self._times[place]


def _move(turn: Turn, at_s: float) -> None:
    turn.at_s = at_s
    turn.moved()

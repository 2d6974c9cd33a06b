"""What the rules look at: a call's history, what calls share, the time, and one draw of chance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import Send
from claude_sidecar.policy.backoff import patience_left_s
from claude_sidecar.policy.call_state import CallState
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.rule import Rule

CLOCK_GRAIN_S = 0.001
"""An event loop may wake a timer early by its clock's grain; a wait that short is over. As `clock.GRAIN_S`,
which is out of a pure room's reach."""


def at_once(wanted_s: float) -> float:
    """The turn that an unused retry budget gives."""
    return wanted_s


@dataclass(frozen=True, slots=True)
class HealthView:
    """What calls share, as seen now.

    breaker_open, credential_missing: candidates by position. turn: from the moment at which a repeat is
    wanted to the one at which the retry budget lets it be sent, infinite for never.
    """

    breaker_open: frozenset[int] = frozenset()
    credential_missing: frozenset[int] = frozenset()
    turn: Callable[[float], float] = at_once


HEALTHY = HealthView()


@dataclass(frozen=True, slots=True)
class Pause:
    """The pause that a repeat would need, worked out before it is known whether it will be made.

    candidate: who is sent to then, None for a new round. retry_after_s: how long the upstream asks to wait.
    obeys: that is the wait which a rate limit asks for, and it needs no turn of the retry budget. seconds:
    how long the pause is, the budget apart. left_s: how long it is until the deadline. turn_s: when the
    budget lets the repeat be sent, on the loop's clock; None where that is too late to be waited for.
    """

    candidate: int | None
    retry_after_s: float
    obeys: bool
    seconds: float
    left_s: float
    turn_s: float | None


class Moment:
    """The moment of one decision.

    now: seconds on the clock of `facts.deadline_s`; chance: in [0, 1), drawn anew for each decision. outcome:
    the one that decides, a success or a failure, and candidate: whose it is; there are none where nothing has
    decided yet. pause: what the rules of waiting go by, worked out when the first of them asks.
    """

    __slots__ = ("candidate", "chance", "health", "now", "outcome", "pause", "state")

    outcome: Outcome
    candidate: int

    def __init__(self, state: CallState, health: HealthView, now: float, chance: float) -> None:
        self.state = state
        self.health = health
        self.now = now
        self.chance = chance
        self.pause: Pause | None = None
        deciding = state.standing.deciding
        if deciding is not None:
            self.outcome, self.candidate = deciding.outcome, deciding.candidate

    @property
    def moves(self) -> bool:
        """Whether another route may cure the failure, so that a repeat means a new round."""
        return self.outcome.cause in self.state.snapshot.fallback.causes

    def targets(self) -> Sequence[int]:
        """Whom a repeat would go to: all candidates in a new round, else the one that failed."""
        return range(len(self.state.candidates)) if self.moves else (self.candidate,)

    def open_targets(self) -> list[int]:
        """Those of them that are neither excluded nor without their credential."""
        excluded, missing = self.state.excluded, self.health.credential_missing
        return [each for each in self.targets() if each not in excluded and each not in missing]

    def retry_after_left_s(self, candidate: int) -> float:
        """How much longer the upstream told us, in this call, to leave a candidate alone."""
        for told, until in self.state.not_before:
            if told == candidate:
                return max(0.0, until - self.now)
        return 0.0

    def eligible(self) -> list[int]:
        """The candidates that may be sent to now, in order; if only breakers leave none, they are ignored."""
        excluded, missing = self.state.excluded, self.health.credential_missing
        told, breaker_open = self.state.not_before, self.health.breaker_open
        usable = [
            candidate
            for candidate in range(len(self.state.candidates))
            if candidate not in excluded
            and candidate not in missing
            and (not told or self.retry_after_left_s(candidate) <= CLOCK_GRAIN_S)
        ]
        return [candidate for candidate in usable if candidate not in breaker_open] or usable

    def routes_tried(self) -> set[int]:
        """The routes that this call has been sent to, be it for another model."""
        candidates = self.state.candidates
        return {candidates[tried].route_index for tried in self.state.tried}

    def turn_s(self, wanted_s: float) -> float | None:
        """When the retry budget lets a repeat be sent, None where that is too late to be waited for.

        Nobody stands behind an opened call any more, so it waits for any turn before its end.
        """
        state = self.state
        turn_s = self.health.turn(wanted_s)
        if turn_s >= state.deadline_s:
            return None
        longest_s = max(state.snapshot.retry.backoff.max_s, wanted_s - self.now)
        return turn_s if state.opened or turn_s - self.now <= longest_s + CLOCK_GRAIN_S else None

    def patience_left_s(self, at_once: int) -> float:
        """The least that must still be waited; at_once: how many attempts may follow without another wait."""
        state = self.state
        attempts_left = state.facts.max_attempts - state.attempts - (at_once - 1)
        return patience_left_s(state.snapshot.retry.backoff.initial_s, state.waited_s, attempts_left)

    def send(
        self,
        candidate: int,
        why: Rule,
        *,
        fresh: bool = False,
        spends_budget: bool = False,
        opens_round: bool = False,
    ) -> Send:
        """An attempt to a candidate now.

        A call's last attempt of several is always on a fresh connection: that a pooled one has died is found
        out by an attempt, which the call then has no more of. So is one to a route that lost a busy
        connection at last: the next must not leave open whether it was lost while idle.
        """
        state = self.state
        fresh = fresh or 0 < state.attempts == state.facts.max_attempts - 1
        fresh = fresh or state.candidates[candidate].route_index in state.routes_that_lost
        elsewhere = self._has_elsewhere(candidate)
        passed_over = self._passed_over(candidate, opens_round=opens_round) if candidate else ()
        return Send(candidate, fresh, spends_budget, opens_round, elsewhere, why, passed_over)

    def _passed_over(self, chosen: int, *, opens_round: bool) -> tuple[str, ...]:
        """Who comes before the chosen one and may not have the call now, and why."""
        tried = frozenset() if opens_round else self.state.round_tried
        reasons = ((index, self._why_not(index)) for index in range(chosen) if index not in tried)
        return tuple(
            f"{self.state.candidates[index].route} ({reason})"
            for index, reason in reasons
            if reason is not None
        )

    def _why_not(self, candidate: int) -> str | None:
        if candidate in self.state.excluded:
            return "given up in this call"
        if candidate in self.health.credential_missing:
            return "its credential is missing"
        if self.retry_after_left_s(candidate) > CLOCK_GRAIN_S:
            return "its upstream said to wait longer"
        return "its circuit breaker is open" if candidate in self.health.breaker_open else None

    def _has_elsewhere(self, chosen: int) -> bool:
        """Whether a timeout of this attempt would lead to an eligible route that the call has not tried."""
        state = self.state
        facts, candidates = state.facts, state.candidates
        if len(candidates) == 1 or not facts.repeatable or state.attempts + 1 >= facts.max_attempts:
            return False
        if Cause.TIMEOUT not in state.snapshot.fallback.causes:
            return False
        tried = self.routes_tried() | {candidates[chosen].route_index}
        return any(candidates[each].route_index not in tried for each in self.eligible())

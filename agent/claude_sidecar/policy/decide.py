"""The decision: from what has happened in a call, what to do next. No socket, clock or chance in here."""

from collections.abc import Callable
from dataclasses import dataclass

from claude_sidecar.causes import Cause
from claude_sidecar.policy.backoff import backoff_s, patience_left_s, retry_after_jitter_s
from claude_sidecar.policy.call_state import CallState, repeat_is_forced
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.step import Deliver, Ending, GiveUp, Send, Step, Wait

_CLOCK_GRAIN_S = 0.001
"""An event loop may wake a timer early by its clock's grain; a wait that short is over."""


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


def next_step(state: CallState, health: HealthView, now: float, chance: float) -> Step:
    """Say what to do next in a call.

    now: seconds on the clock of `facts.deadline_s`; chance: in [0, 1), drawn anew for each call of this.
    Ends: every Wait is followed by a Send or an end, and sends are bounded by `facts.max_sends`.
    """
    if state.resume is not None:
        return _after_wait(state, state.resume, health, now)
    if state.governing is None:
        return _first(state, health, now)
    if state.governing.cause is None:
        return Deliver(state.governing, Ending.SUCCESS)
    return _after_failure(state, state.governing, health, now, chance)


def _first(state: CallState, health: HealthView, now: float) -> Step:
    if not state.candidates:
        return GiveUp(Ending.NO_ROUTE, None)
    if state.sends and (ending := _must_end(state, now)) is not None:
        return _settle(state, ending)
    chosen = _round_opener(state, health, now)
    if chosen is None:
        return _settle(state, Ending.ROUTES_SPENT if state.sends else Ending.CREDENTIAL_MISSING)
    return _send(state, health, now, chosen, opens_round=True)


def _must_end(state: CallState, now: float) -> Ending | None:
    """Why no repeat is possible at all, whatever the failure."""
    if not state.facts.repeatable:
        return Ending.PASSES_ONCE
    over = now >= state.deadline_s - _CLOCK_GRAIN_S
    if state.sends >= state.facts.max_sends:
        # A last send that the deadline cut short has not had its say.
        cut_short = over and state.governing is not None and state.governing.our_timeout
        return Ending.DEADLINE if cut_short else Ending.ATTEMPTS_SPENT
    return Ending.DEADLINE if over else None


def _after_wait(state: CallState, wait: Wait, health: HealthView, now: float) -> Step:
    if now >= state.deadline_s:
        return _settle(state, Ending.DEADLINE)
    if wait.candidate is not None and wait.candidate not in health.credential_missing:
        return _send(state, health, now, wait.candidate)
    chosen = _round_opener(state, health, now) if wait.candidate is None else None
    if chosen is None:
        return _settle(state, Ending.ROUTES_SPENT)
    return _send(state, health, now, chosen, opens_round=True)


def _after_failure(state: CallState, failure: Outcome, health: HealthView, now: float, chance: float) -> Step:
    """What a failed send leads to; the first of these that applies."""
    if (ending := _must_end(state, now)) is not None:
        return _settle(state, ending)
    failed = state.governing_candidate
    assert failed is not None
    if failed not in health.credential_missing and _may_resend(state, failure, failed):
        return _send(state, health, now, failed, fresh=True)
    if failure.our_timeout and not state.facts.timeout_repeats:
        return _settle(state, Ending.MAY_BE_RUNNING)
    moves = failure.cause in state.snapshot.fallback.causes
    if moves and (step := _move(state, health, now)) is not None:
        return step
    if not (repeat_is_forced(failure) or failure.cause in state.snapshot.retry.causes):
        return _settle(state, Ending.CAUSE_NOT_LISTED)
    plan = _new_round if moves else _same_route
    pause = plan(state, failure, failed, health, now)
    return _wait(state, pause, health, now, chance) if isinstance(pause, _Pause) else _settle(state, pause)


def _may_resend(state: CallState, failure: Outcome, failed: int) -> bool:
    """Whether a pooled connection that died is answered by a resend at once.

    An upstream that closes every connection looks the same: where the call has failed there before, its last
    sends are not spent on this until it has waited as long as an SDK would.
    """
    if not failure.reused_connection_died or state.current != failed or state.stale_resent:
        return False
    return not (state.retried and _patience_left_s(state, 1) > 0)


def _patience_left_s(state: CallState, at_once: int) -> float:
    """The least that must still be waited; at_once: how many sends may follow without another wait."""
    sends_left = state.facts.max_sends - state.sends - (at_once - 1)
    return patience_left_s(state.snapshot.retry.backoff.initial_s, state.waited_s, sends_left)


def _send(
    state: CallState,
    health: HealthView,
    now: float,
    candidate: int,
    *,
    fresh: bool = False,
    spends_budget: bool = False,
    opens_round: bool = False,
) -> Send:
    # What is left of a pooled connection is found out by a send, which this call then has no more of. Where
    # it has lost a busy connection, the next one must not leave open whether it was lost while idle.
    fresh = fresh or 0 < state.sends == state.facts.max_sends - 1 or state.lost_a_connection(candidate)
    elsewhere = _has_elsewhere(state, health, now, candidate)
    return Send(candidate, fresh, spends_budget, opens_round, elsewhere)


def _has_elsewhere(state: CallState, health: HealthView, now: float, chosen: int) -> bool:
    """Whether a timeout of this send would lead to an eligible route that the call has not tried."""
    facts, candidates = state.facts, state.candidates
    if len(candidates) == 1 or not facts.repeatable or state.sends + 1 >= facts.max_sends:
        return False
    if Cause.TIMEOUT not in state.snapshot.fallback.causes:
        return False
    tried = {candidates[each].route_index for each in (*state.tried, chosen)}
    return any(candidates[each].route_index not in tried for each in _eligible(state, health, now))


def _move(state: CallState, health: HealthView, now: float) -> Step | None:
    """To the next route that this round has not tried: at once, unless another model of it was tried."""
    for candidate in _eligible(state, health, now):
        if candidate in state.round_tried:
            continue
        if not _route_tried(state, candidate):
            return _send(state, health, now, candidate)
        turn_s = _turn_s(state, health, now, now)
        if turn_s is None:
            continue
        if turn_s <= now:
            return _send(state, health, now, candidate, spends_budget=True)
        return Wait(turn_s - now, "budget", candidate, turn_from_s=now)
    return None


@dataclass(frozen=True, slots=True)
class _Pause:
    """What a wait must reckon with.

    candidate: who is sent to then, None for a new round; told_s: how long the upstream told us to wait;
    obeys: that is the wait a limit asks for; sends_after: how many sends may follow without another wait.
    """

    candidate: int | None
    told_s: float
    obeys: bool
    sends_after: int


def _same_route(
    state: CallState, failure: Outcome, failed: int, health: HealthView, now: float
) -> _Pause | Ending:
    """Wait and send to the same route again: the cause is none that another route may cure."""
    if failed in state.excluded:
        return Ending.UPSTREAM_FORBIDS if state.cut_after_s is None else Ending.FUTILE
    if failed in health.credential_missing:
        return Ending.ROUTES_SPENT
    return _Pause(failed, _told_wait_s(state, failed, now), _tells_when(failure), 1)


def _new_round(
    state: CallState, failure: Outcome, failed: int, health: HealthView, now: float
) -> _Pause | Ending:
    """Wait until the first route may be tried again, then begin a round with all that may."""
    told_s = {
        candidate: _told_wait_s(state, candidate, now)
        for candidate in range(len(state.candidates))
        if candidate not in state.excluded and candidate not in health.credential_missing
    }
    if not told_s:
        return Ending.ROUTES_SPENT if state.cut_after_s is None else Ending.FUTILE
    shortest_s = min(told_s.values())
    # To obey a limit is to wait as long as its route said; another route may be free earlier.
    obeys = _tells_when(failure) and told_s.get(failed) == shortest_s
    return _Pause(None, shortest_s, obeys, len(told_s))


def _tells_when(failure: Outcome) -> bool:
    """Whether it is a limit whose answer says when to come again."""
    return failure.cause is Cause.RATE_LIMIT and failure.word.retry_after_s is not None


def _wait(state: CallState, pause: _Pause, health: HealthView, now: float, chance: float) -> Step:
    """Pause as long as upstream, backoff and budget ask, if that ends in time."""
    left_s = state.deadline_s - now
    if pause.told_s > state.snapshot.retry.max_retry_after_s or pause.told_s >= left_s:
        return _settle(state, Ending.RETRY_AFTER_TOO_LONG)
    seconds = _pause_s(state, pause, left_s, chance)
    if seconds >= left_s:
        return _settle(state, Ending.DEADLINE)
    reason = "retry-after" if pause.obeys or pause.told_s > 0 else "backoff"
    if pause.obeys:
        return Wait(seconds, reason, pause.candidate)
    turn_s = _turn_s(state, health, now + seconds, now)
    if turn_s is None:
        return _settle(state, Ending.TURN_TOO_LATE)
    if turn_s - now > seconds + _CLOCK_GRAIN_S:
        reason = "budget"
    return Wait(max(0.0, turn_s - now), reason, pause.candidate, turn_from_s=now + seconds)


def _pause_s(state: CallState, pause: _Pause, left_s: float, chance: float) -> float:
    """How long the pause would be without the budget; left_s: until the deadline."""
    snapshot = state.snapshot
    initial_s = snapshot.retry.backoff.initial_s
    seconds = 0.0 if pause.obeys else backoff_s(initial_s, snapshot.retry.backoff.max_s, state.waits, chance)
    if pause.obeys or pause.told_s > 0:
        # Jitter alone must not carry past the deadline a wait that fits.
        jitter_s = min(
            retry_after_jitter_s(initial_s, pause.told_s, chance), chance * (left_s - pause.told_s)
        )
        seconds = max(seconds, pause.told_s + jitter_s)
    return max(seconds, _patience_left_s(state, pause.sends_after))


def _turn_s(state: CallState, health: HealthView, wanted_s: float, now: float) -> float | None:
    """When the retry budget lets a repeat be sent, None where that is too late to be waited for.

    Nobody stands behind an opened call any more, so it waits for any turn before its end.
    """
    turn_s = health.turn(wanted_s)
    if turn_s >= state.deadline_s:
        return None
    longest_s = max(state.snapshot.retry.backoff.max_s, wanted_s - now)
    return turn_s if state.opened or turn_s - now <= longest_s + _CLOCK_GRAIN_S else None


def _told_wait_s(state: CallState, candidate: int, now: float) -> float:
    """How much longer the upstream told us, in this call, to leave a route alone."""
    for told, until in state.not_before:
        if told == candidate:
            return max(0.0, until - now)
    return 0.0


def _eligible(state: CallState, health: HealthView, now: float) -> list[int]:
    """The routes that may be sent to now, in order; if only breakers leave none, they are ignored."""
    usable = [
        candidate
        for candidate in range(len(state.candidates))
        if candidate not in state.excluded
        and candidate not in health.credential_missing
        and _told_wait_s(state, candidate, now) <= _CLOCK_GRAIN_S
    ]
    return [candidate for candidate in usable if candidate not in health.breaker_open] or usable


def _round_opener(state: CallState, health: HealthView, now: float) -> int | None:
    """The first route of a round."""
    return next(iter(_eligible(state, health, now)), None)


def _route_tried(state: CallState, candidate: int) -> bool:
    """Whether this call has been sent to the candidate's route, be it for another model."""
    route = state.candidates[candidate].route_index
    return any(state.candidates[tried].route_index == route for tried in state.tried)


def _settle(state: CallState, ending: Ending) -> Step:
    """Nothing more is sent: the last answer, else an error of our own."""
    if state.answer is not None:
        return Deliver(state.answer, ending)
    return GiveUp(ending, state.governing.cause if state.governing is not None else None)

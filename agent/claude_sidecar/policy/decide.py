"""The decision: from what has happened in a call, what to do next. No socket, clock or chance in here."""

from dataclasses import dataclass

from claude_sidecar.policy.backoff import backoff_s
from claude_sidecar.policy.call_state import CallState, repeat_is_forced
from claude_sidecar.policy.cause import Cause
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.step import Deliver, Ending, GiveUp, Send, Step, Wait

_CLOCK_GRAIN_S = 0.001
"""An event loop may wake a timer early by its clock's grain; a wait that short is over."""


@dataclass(frozen=True, slots=True)
class HealthView:
    """What calls share, as seen now: candidates whose breaker is open or whose credential is missing."""

    breaker_open: frozenset[int] = frozenset()
    credential_missing: frozenset[int] = frozenset()
    budget_allows: bool = True


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
    return Send(chosen, opens_round=True)


def _must_end(state: CallState, now: float) -> Ending | None:
    """Why no repeat is possible at all, whatever the failure."""
    if not state.facts.repeatable:
        return Ending.PASSES_ONCE
    if state.sends >= state.facts.max_sends:
        return Ending.ATTEMPTS_SPENT
    return Ending.DEADLINE if now >= state.facts.deadline_s else None


def _after_wait(state: CallState, wait: Wait, health: HealthView, now: float) -> Step:
    if now >= state.facts.deadline_s:
        return _settle(state, Ending.DEADLINE)
    if wait.candidate is not None and wait.candidate not in health.credential_missing:
        return Send(wait.candidate)
    chosen = _round_opener(state, health, now) if wait.candidate is None else None
    if chosen is None:
        return _settle(state, Ending.ROUTES_SPENT)
    return Send(chosen, opens_round=True)


def _after_failure(state: CallState, failure: Outcome, health: HealthView, now: float, chance: float) -> Step:
    snapshot = state.snapshot
    if (ending := _must_end(state, now)) is not None:
        return _settle(state, ending)
    failed = state.governing_candidate
    assert failed is not None
    stale = failure.reused_connection_died and state.current == failed and not state.stale_resent
    if stale and failed not in health.credential_missing:
        return Send(failed, fresh=True)
    if failure.our_timeout and not state.facts.timeout_repeats:
        return _settle(state, Ending.MAY_BE_RUNNING)
    moves = failure.cause in snapshot.fallback_causes
    if moves:
        chosen = _next_in_round(state, health, now)
        if chosen is not None:
            return Send(chosen, spends_budget=_route_tried(state, chosen))
    if not (repeat_is_forced(failure) or failure.cause in snapshot.retry_causes):
        return _settle(state, Ending.CAUSE_NOT_LISTED)
    if moves:
        return _new_round(state, failure, health, now, chance)
    return _same_route(state, failure, failed, health, now, chance)


def _same_route(
    state: CallState, failure: Outcome, failed: int, health: HealthView, now: float, chance: float
) -> Step:
    """Wait and send to the same route again: the cause is none that another route may cure."""
    if failed in state.excluded:
        return _settle(state, Ending.UPSTREAM_FORBIDS)
    if failed in health.credential_missing:
        return _settle(state, Ending.ROUTES_SPENT)
    told_s = _told_wait_s(state, failed, now)
    return _wait(state, failure, failed, health, now, chance, told_s, obeys=_tells_when(failure))


def _new_round(state: CallState, failure: Outcome, health: HealthView, now: float, chance: float) -> Step:
    """Wait until the first route may be tried again, then begin a round with all that may."""
    told_s = {
        candidate: _told_wait_s(state, candidate, now)
        for candidate in range(len(state.candidates))
        if candidate not in state.excluded and candidate not in health.credential_missing
    }
    if not told_s:
        return _settle(state, Ending.ROUTES_SPENT)
    failed, shortest_s = state.governing_candidate, min(told_s.values())
    assert failed is not None
    # To obey a limit is to wait as long as its route said; another route may be free earlier.
    obeys = _tells_when(failure) and told_s.get(failed) == shortest_s
    return _wait(state, failure, None, health, now, chance, shortest_s, obeys=obeys)


def _tells_when(failure: Outcome) -> bool:
    """Whether it is a limit whose answer says when to come again."""
    return failure.cause is Cause.RATE_LIMIT and failure.word.retry_after_s is not None


def _wait(
    state: CallState,
    failure: Outcome,
    candidate: int | None,
    health: HealthView,
    now: float,
    chance: float,
    told_s: float,
    *,
    obeys: bool,
) -> Step:
    snapshot = state.snapshot
    if told_s > snapshot.max_retry_after_s:
        return _settle(state, Ending.RETRY_AFTER_TOO_LONG)
    pause_s = backoff_s(snapshot.backoff_initial_s, snapshot.backoff_max_s, state.waits, chance)
    seconds = told_s + pause_s if obeys else max(told_s, pause_s)
    if now + seconds >= state.facts.deadline_s:
        return _settle(state, Ending.RETRY_AFTER_TOO_LONG if told_s > pause_s else Ending.DEADLINE)
    if not obeys and not health.budget_allows:
        return _settle(state, Ending.BUDGET_REFUSED)
    return Wait(
        seconds, "retry-after" if obeys or told_s > 0 else "backoff", candidate, spends_budget=not obeys
    )


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


def _next_in_round(state: CallState, health: HealthView, now: float) -> int | None:
    """The next route that this round has not tried; without budget, that this call has not tried."""
    for candidate in _eligible(state, health, now):
        if candidate in state.round_tried:
            continue
        if health.budget_allows or not _route_tried(state, candidate):
            return candidate
    return None


def _route_tried(state: CallState, candidate: int) -> bool:
    """Whether this call has been sent to the candidate's route, be it for another model."""
    route = state.candidates[candidate].route_index
    return any(state.candidates[tried].route_index == route for tried in state.tried)


def _settle(state: CallState, ending: Ending) -> Step:
    """Nothing more is sent: the last answer, else an error of our own."""
    if state.answer is not None:
        return Deliver(state.answer, ending)
    return GiveUp(ending, state.governing.cause if state.governing is not None else None)

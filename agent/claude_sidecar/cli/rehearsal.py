"""A call played through a policy without sending anything: the same decision as the proxy's, step by step."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from claude_sidecar.policy.actions import Deliver, GiveUp, Send, Step, Wait
from claude_sidecar.policy.budget import RetryBudget, pace_of
from claude_sidecar.policy.call_state import CallState
from claude_sidecar.policy.decide import next_step
from claude_sidecar.policy.moment import HealthView
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.request_facts import RequestFacts, first_byte_s
from claude_sidecar.policy.routing import plan
from claude_sidecar.schema.snapshot import Snapshot

SHORTEST, MIDDLE, LONGEST = 0.0, 0.5, 1 - 1e-9
"""Chance: how drawn waits come out."""

_MAX_STEPS = 64


@dataclass(frozen=True, slots=True)
class Scene:
    """facts: of the request. endings: by each route, how the first `times` attempts end; None for all."""

    snapshot: Snapshot
    facts: RequestFacts
    endings: tuple[Outcome, ...]
    times: int | None


@dataclass(frozen=True, slots=True)
class Played:
    """One step as it was taken.

    state: the call's, before the step; after an end it is the last. at_s: seconds after arrival. shortest_s,
    longest_s: of a wait, by what chance draws. outcome, lasts_s: of an attempt;
    leaves: it is given up for another route, though the deadline would leave it time.
    """

    step: Step
    state: CallState
    at_s: float
    shortest_s: float = 0.0
    longest_s: float = 0.0
    outcome: Outcome | None = None
    lasts_s: float = 0.0
    leaves: bool = False


def rehearse(scene: Scene, chance: float = MIDDLE) -> Iterator[Played]:
    """Play each step.

    Answers come at once, breakers are closed, credentials there, no other call is there. chance: drawn each
    time, in [0, 1).
    """
    state = CallState(scene.snapshot, scene.facts, plan(scene.snapshot, scene.facts))
    budget, pace = RetryBudget(), pace_of(scene.snapshot)
    budget.call(0.0)
    now = 0.0
    for _ in range(_MAX_STEPS):
        view = HealthView(turn=partial(budget.foresee, now=now, pace=pace))
        step = next_step(state, view, now, chance)
        match step:
            case Wait():
                yield Played(step, state, now, *_span_s(state, view, step, now))
                if step.turn_from_s is not None:
                    budget.take(budget.reserve(step.turn_from_s, now, pace, frozenset()))
                now += step.seconds
                state = state.waited(step, step.seconds)
            case Send():
                if step.spends_budget:
                    budget.take(budget.reserve(now, now, pace, frozenset()))
                outcome = _outcome(scene, state, step)
                lasts_s, leaves = _silence(state, step, outcome, now)
                yield Played(step, state, now, outcome=outcome, lasts_s=lasts_s, leaves=leaves)
                now += lasts_s
                state = state.attempting(step).after(outcome, now)
            case Deliver() | GiveUp():
                yield Played(step, state, now)
                return


def _span_s(state: CallState, view: HealthView, step: Wait, now: float) -> tuple[float, float]:
    """Between which bounds the wait is drawn."""
    shortest, longest = (next_step(state, view, now, chance) for chance in (SHORTEST, LONGEST))
    return (
        shortest.seconds if isinstance(shortest, Wait) else step.seconds,
        longest.seconds if isinstance(longest, Wait) else step.seconds,
    )


def _outcome(scene: Scene, state: CallState, step: Send) -> Outcome:
    """How the attempt that begins now ends; all connections are new."""
    number = state.attempts + 1
    if scene.times is not None and number > scene.times:
        return Outcome(None, 200, has_response=True, attempt=number)
    ending = scene.endings[state.candidates[step.candidate].route_index]
    return replace(ending, attempt=number) if ending.has_response else ending


def _silence(state: CallState, step: Send, outcome: Outcome, now: float) -> tuple[float, bool]:
    """How long an attempt lasts, only silence takes time; and whether it ends for another route to go to."""
    if not outcome.our_timeout:
        return 0.0, False
    left_s = max(0.0, state.deadline_s - now)
    limit_s = first_byte_s(state.snapshot, state.facts, elsewhere=step.elsewhere)
    return (left_s, False) if limit_s is None or left_s < limit_s else (limit_s, True)

"""A call played through a policy without sending anything: the same decision as the proxy's, step by step."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from claude_sidecar.causes import Cause
from claude_sidecar.policy.backoff import SDK_PATIENCE_S
from claude_sidecar.policy.budget import RetryBudget, pace_of
from claude_sidecar.policy.call_state import CallState
from claude_sidecar.policy.decide import HealthView, next_step
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.request_facts import RequestFacts
from claude_sidecar.policy.routing import Candidate, plan
from claude_sidecar.policy.sdk_repeats import stops_the_sdk
from claude_sidecar.policy.step import Deliver, Ending, GiveUp, Send, Wait
from claude_sidecar.schema.snapshot import Snapshot

_MIDDLE = 0.5
_MOST = 1 - 1e-9
_MAX_STEPS = 64


@dataclass(frozen=True, slots=True)
class Scene:
    """failure: how the first `times` sends end, None for all of them; facts: of the request."""

    snapshot: Snapshot
    facts: RequestFacts
    failure: Outcome
    times: int | None


def rehearse(scene: Scene) -> Iterator[str]:
    """Tell each step and why.

    Answers come at once, breakers are closed and credentials there, no other call is there; the waits that
    are told as a range count with their middle.
    """
    candidates = plan(scene.snapshot, scene.facts)
    state = CallState(scene.snapshot, scene.facts, candidates)
    budget, pace = RetryBudget(), pace_of(scene.snapshot)
    budget.call(0.0)
    now = 0.0
    for _ in range(_MAX_STEPS):
        view = HealthView(turn=partial(budget.foresee, now=now, pace=pace))
        step = next_step(state, view, now, _MIDDLE)
        match step:
            case Wait():
                yield _wait_line(state, view, step, now)
                if step.turn_from_s is not None:
                    budget.take(budget.reserve(step.turn_from_s, now, pace, frozenset()))
                now += step.seconds
                state = state.waited(step, step.seconds)
            case Send():
                if step.spends_budget:
                    budget.take(budget.reserve(now, now, pace, frozenset()))
                why = _send_reason(state, step)
                state = state.sending(step)
                failed = scene.times is None or state.sends <= scene.times
                outcome = scene.failure if failed else Outcome(None, 200, has_answer=True)
                lasts_s = _lasts_s(state, step, outcome, now)
                told = _told(outcome) + _silence(step, outcome, lasts_s)
                yield f"send to {_named(candidates[step.candidate])} ({why}): {told}"
                now += lasts_s
                state = state.after(outcome, now)
            case Deliver():
                yield from _delivery(state, step)
                return
            case GiveUp():
                yield from _own_error(state, step)
                return


def _lasts_s(state: CallState, step: Send, outcome: Outcome, now: float) -> float:
    """How long a send lasts: only silence takes time."""
    if not outcome.our_timeout:
        return 0.0
    left_s = max(0.0, state.deadline_s - now)
    bounded = step.elsewhere and state.facts.answers_soon
    return min(left_s, state.snapshot.timeouts.first_byte_s) if bounded else left_s


def _silence(step: Send, outcome: Outcome, lasts_s: float) -> str:
    if not outcome.our_timeout:
        return ""
    if step.elsewhere:
        return f" after {_seconds(lasts_s)} (timeouts.firstByte: there is a route that was not tried yet)"
    return f" after {_seconds(lasts_s)} (the deadline: there is no untried route to go to)"


def _named(candidate: Candidate) -> str:
    if candidate.substitute is not None:
        return f"{candidate.route} as {candidate.model}"
    return candidate.route


def _told(outcome: Outcome) -> str:
    if outcome.cause is None:
        return f"{outcome.status}, fine"
    if outcome.status is None:
        return f"no answer, {outcome.cause}"
    return f"{outcome.status}, {outcome.cause}"


def _send_reason(state: CallState, step: Send) -> str:
    candidate = state.candidates[step.candidate]
    if state.sends == 0:
        reason = "the first route that serves the model"
    elif state.resume is not None and state.resume.candidate is not None:
        reason = "the same route after the wait"
    elif state.resume is not None:
        reason = "a new round begins with the first route"
    else:
        cause = state.governing.cause if state.governing else None
        reason = f"at once: fallback.causes names {cause}, and this round has not tried it"
    if candidate.substitute is not None:
        reason += f"; fallback.substitutions names {candidate.substitute} for {state.facts.model}"
    return reason


def _wait_line(state: CallState, view: HealthView, step: Wait, now: float) -> str:
    shortest = next_step(state, view, now, 0.0)
    longest = next_step(state, view, now, _MOST)
    low = shortest.seconds if isinstance(shortest, Wait) else step.seconds
    high = longest.seconds if isinstance(longest, Wait) else step.seconds
    span = _seconds(high) if _seconds(low) == _seconds(high) else f"{_seconds(low)} to {_seconds(high)}"
    cause = state.governing.cause if state.governing else None
    why = _wait_reason(state, step, low, high)
    named = cause in state.snapshot.retry.causes
    because = f"retry.causes names {cause}" if named else "the upstream says x-should-retry: true"
    return f"wait {span} ({why}; {because})"


def _wait_reason(state: CallState, step: Wait, low: float, high: float) -> str:
    if step.reason == "budget":
        budget = state.snapshot.retry.budget
        return (
            f"its turn: retry.budget lets {budget.percent} % of calls and "
            f"{budget.min_per_second} more a second be repeated"
        )
    if step.reason == "retry-after":
        return "the upstream's retry-after, with jitter added" if high > low else "the upstream's retry-after"
    if low > 0:
        return (
            "backoff, retry.backoff, and no less than an SDK waits: "
            f"{_seconds(SDK_PATIENCE_S)} in all before the last send"
        )
    return "backoff with full jitter, retry.backoff"


def _seconds(seconds: float) -> str:
    return f"{round(seconds, 2):g}s"


def _delivery(state: CallState, step: Deliver) -> Iterator[str]:
    outcome = step.outcome
    if outcome.cause is None:
        yield f"deliver {outcome.status} ({_sends(state)})"
        return
    yield f"deliver {outcome.status} unchanged ({_why_end(state, step.ending)}; {_sends(state)})"
    stops = stops_the_sdk(step, state.snapshot)
    yield f"the app sees x-claude-sidecar-cause: {outcome.cause}" + (
        " and x-should-retry: false, so that its SDK does not multiply the sends"
        if stops
        else _own_word(outcome)
    )


def _own_word(outcome: Outcome) -> str:
    said = outcome.word.should_retry
    if said is None:
        return "; whether its SDK repeats the call is left to the SDK"
    return f" and the upstream's own x-should-retry: {str(said).lower()}"


def _own_error(state: CallState, step: GiveUp) -> Iterator[str]:
    if step.ending is Ending.NO_ROUTE:
        name = "gateway_no_route (503)"
    elif step.ending is Ending.CREDENTIAL_MISSING:
        name = "gateway_credential_missing (503)"
    elif step.cause is Cause.TIMEOUT:
        name = "gateway_timeout (504)"
    else:
        name = "gateway_unreachable (502)"
    yield f"answer {name}: no upstream gave one ({_why_end(state, step.ending)}; {_sends(state)})"
    if step.ending is Ending.NO_ROUTE or stops_the_sdk(step, state.snapshot):
        yield "the app sees x-should-retry: false, so that its SDK does not multiply the sends"


def _sends(state: CallState) -> str:
    return "1 send" if state.sends == 1 else f"{state.sends} sends"


def _why_end(state: CallState, ending: Ending) -> str:
    failure = state.governing
    cause = failure.cause if failure is not None else None
    match ending:
        case Ending.ATTEMPTS_SPENT:
            most = state.facts.max_sends
            told = "1 send is" if most == 1 else f"{most} sends are"
            return f"{told} the most for this call, retry.maxAttempts"
        case Ending.RETRY_AFTER_TOO_LONG:
            asked = (failure.word.retry_after_s if failure is not None else None) or 0.0
            longest = state.snapshot.retry.max_retry_after_s
            if asked > longest:
                return f"retry-after of {_seconds(asked)} is over retry.maxRetryAfter, {_seconds(longest)}"
            return (
                f"retry-after of {_seconds(asked)} ends after the deadline, "
                f"{_seconds(state.facts.deadline_s)} from arrival"
            )
        case Ending.DEADLINE:
            return f"a wait would end after the deadline, {_seconds(state.facts.deadline_s)} from arrival"
        case Ending.TURN_TOO_LATE:
            return "retry.budget has no turn for a repeat in time"
        case Ending.UPSTREAM_FORBIDS:
            return "the upstream says x-should-retry: false"
        case Ending.MAY_BE_RUNNING:
            return "a call that is no stream may still be running, and billed"
        case Ending.CAUSE_NOT_LISTED:
            return f"retry.causes does not name {cause}, and no other route may take it"
        case Ending.NO_ROUTE:
            return f"no route's models name {state.facts.model}"
    return str(ending)

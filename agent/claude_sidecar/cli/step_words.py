"""What `explain` says of each step: what is done, and the reason that the step carries."""

from collections.abc import Iterator, Sequence

from claude_sidecar.cli.rehearsal import LONGEST, SHORTEST, Played, Scene, rehearse
from claude_sidecar.policy.actions import Deliver, GiveUp, Send, Step, Wait
from claude_sidecar.policy.call_state import CallState
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.x_should_retry import stops_the_sdk
from claude_sidecar.proxy.gateway_errors import Refusal, error_of


def step_words(played: Played) -> Iterator[str]:
    """One line, or two for an end."""
    step, state = played.step, played.state
    match step:
        case Wait():
            yield f"wait {_span(played)} {_why(step, state)}"
        case Send():
            yield f"send to {_whom(step, state)} {_why(step, state)}: {_came_of_it(played)}"
        case Deliver(outcome) if outcome.cause is None:
            yield f"deliver {outcome.status} after {counted(state.attempts, 'attempt')}"
        case Deliver(outcome):
            after = counted(state.attempts, "attempt")
            yield f"deliver {outcome.status} unchanged after {after} {_why(step, state)}"
            yield f"the app sees x-claude-sidecar-cause: {outcome.cause}{_should_retry(step, outcome, state)}"
        case GiveUp():
            yield from _own_error(step, state)


def drawn_words(scene: Scene, played: Sequence[Played]) -> Iterator[str]:
    """What else may come of the call, by the waits that are drawn; played: by their middle."""
    usual = _end_words(played)
    for chance, waits in ((SHORTEST, "shortest"), (LONGEST, "longest")):
        end = _end_words(tuple(rehearse(scene, chance)))
        if end != usual:
            yield f"here waits take the middle of their range; with the {waits}: {end}"


def counted(number: int, noun: str) -> str:
    """`1 attempt`, `2 attempts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _why(step: Step, state: CallState) -> str:
    return f"({step.why.name}: {step.why.explained(state)})"


def _end_words(played: Sequence[Played]) -> str:
    return next(step_words(played[-1]))


def _span(played: Played) -> str:
    shortest, longest = _seconds(played.shortest_s), _seconds(played.longest_s)
    return longest if shortest == longest else f"{shortest} to {longest}"


def _whom(step: Send, state: CallState) -> str:
    candidate = state.candidates[step.candidate]
    if candidate.substitute is None:
        return candidate.route
    return f"{candidate.route} as {candidate.model}"


def _came_of_it(played: Played) -> str:
    outcome = played.outcome
    assert outcome is not None
    if outcome.cause is None:
        return f"{outcome.status}, fine"
    if outcome.status is not None:
        return f"{outcome.status}, {outcome.cause}"
    if not outcome.our_timeout:
        return f"no response, {outcome.cause}"
    by = "timeouts.firstByte: there is a route to go to" if played.leaves else "the deadline"
    return f"no response, {outcome.cause} after {_seconds(played.lasts_s)} ({by})"


def _should_retry(step: Deliver, outcome: Outcome, state: CallState) -> str:
    if stops_the_sdk(step, state.snapshot):
        return " and x-should-retry: false, so that its SDK does not multiply the attempts"
    said = outcome.hints.should_retry
    if said is None:
        return "; whether its SDK repeats the call is left to the SDK"
    return f" and the upstream's own x-should-retry: {str(said).lower()}"


def _own_error(step: GiveUp, state: CallState) -> Iterator[str]:
    error = error_of(step)
    after = counted(state.attempts, "attempt")
    yield f"answer {error.error_type} ({error.status}) after {after} {_why(step, state)}"
    refusal = Refusal(error, "", stops=stops_the_sdk(step, state.snapshot))
    if refusal.should_retry is False:
        yield "the app sees x-should-retry: false, so that its SDK does not multiply the attempts"


def _seconds(seconds: float) -> str:
    return f"{round(seconds, 2):g}s"

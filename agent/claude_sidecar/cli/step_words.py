"""What `explain` says of each step that it plays: what is done, and the reason that the step carries."""

from collections.abc import Iterator, Sequence

from claude_sidecar.cli.rehearsal import LONGEST, SHORTEST, Played, Scene, rehearse
from claude_sidecar.cli.timeline import Entry, counted, seconds
from claude_sidecar.policy.actions import Deliver, GiveUp, Send, Wait
from claude_sidecar.policy.call_state import CallState
from claude_sidecar.policy.decide import because
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.x_should_retry import stops_the_sdk
from claude_sidecar.proxy.gateway_errors import Refusal, error_of


def entry_of(played: Played) -> Entry:
    """One step of the timeline."""
    step, state = played.step, played.state
    does, came, seen = _does(played), None, None
    match step:
        case Send():
            came = _came_of_it(played)
        case Deliver(outcome) if outcome.cause is not None:
            seen = (
                f"the app sees x-claude-sidecar-cause: {outcome.cause}{_should_retry(step, outcome, state)}"
            )
        case GiveUp() if (
            Refusal(error_of(step), "", stops=stops_the_sdk(step, state.snapshot)).should_retry is False
        ):
            seen = "the app sees x-should-retry: false, so that its SDK does not multiply the attempts"
    return Entry(
        at_s=played.at_s,
        does=does,
        rule=step.why.name,
        because=because(step, state),
        came=came,
        seen=seen,
    )


def drawn_words(scene: Scene, played: Sequence[Played]) -> Iterator[str]:
    """What else may come of the call, by the waits that are drawn; played: by their middle."""
    usual = _end_words(played)
    for chance, waits in ((SHORTEST, "shortest"), (LONGEST, "longest")):
        end = _end_words(tuple(rehearse(scene, chance)))
        if end != usual:
            yield f"here waits take the middle of their range; with the {waits}: {end}"


def _end_words(played: Sequence[Played]) -> str:
    end = entry_of(played[-1])
    return f"{end.does} ({end.rule}: {end.because})"


def _does(played: Played) -> str:
    step, state = played.step, played.state
    after = counted(state.attempts, "attempt")
    match step:
        case Wait():
            return f"wait {_span(played)}"
        case Send():
            return f"send to {_whom(step, state)}"
        case Deliver(outcome):
            return f"deliver {outcome.status}{'' if outcome.cause is None else ' unchanged'} after {after}"
        case GiveUp():
            error = error_of(step)
            return f"answer {error.error_type} ({error.status}) after {after}"


def _span(played: Played) -> str:
    shortest, longest = seconds(played.shortest_s), seconds(played.longest_s)
    return longest if shortest == longest else f"{shortest} to {longest}"


def whom(route: str, model: str | None, asked: str | None) -> str:
    """The route, and the model's name there if that is another one than was asked for."""
    return route if model == asked else f"{route} as {model}"


def _whom(step: Send, state: CallState) -> str:
    candidate = state.candidates[step.candidate]
    return whom(candidate.route, candidate.model, state.facts.model)


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
    return f"no response, {outcome.cause} after {seconds(played.lasts_s)} ({by})"


def _should_retry(step: Deliver, outcome: Outcome, state: CallState) -> str:
    if stops_the_sdk(step, state.snapshot):
        return " and x-should-retry: false, so that its SDK does not multiply the attempts"
    said = outcome.hints.should_retry
    if said is None:
        return "; whether its SDK repeats the call is left to the SDK"
    return f" and the upstream's own x-should-retry: {str(said).lower()}"

"""The timeline of a call that is played through a policy."""

from collections.abc import Iterator, Sequence

from claude_sidecar.causes import Cause
from claude_sidecar.cli.passed_over import passed_over
from claude_sidecar.cli.rehearsal import Played, Scene, rehearse
from claude_sidecar.cli.scene import Answer
from claude_sidecar.cli.silence_words import silence_words
from claude_sidecar.cli.step_words import drawn_words, entry_of
from claude_sidecar.cli.timeline import Timeline, counted
from claude_sidecar.hints.hint import HintFacts, hint_for
from claude_sidecar.policy.actions import Deliver, GiveUp, Send
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.remedies import remedy_for
from claude_sidecar.proxy.gateway_errors import error_of
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.wire.error_body import ErrorBody

_WELL_FORMED = ((b"x-api-key", b"sk-ant-api03-" + b"0" * 95), (b"anthropic-version", b"2023-06-01"))
"""Of a request's key nothing is told to `explain`: the hint is that for one which looks right."""


def rehearsed(scene: Scene, answer: Answer, *, stream: bool) -> Timeline:
    """Play the scene. answer: how its attempts end, as it was given; stream: whether the app asks for one."""
    played = tuple(rehearse(scene))
    aside = list(drawn_words(scene, played))
    if scene.endings:
        aside += passed_over(answer, scene.endings[0], scene.facts.sdk, stream=stream)
    if stream:
        aside.append("a stream that keeps silent:")
        aside += [f"  - {line}" for line in silence_words(scene.snapshot, scene.facts.sdk.timeout_s)]
    end = played[-1].step
    assert isinstance(end, Deliver | GiveUp)  # the decision ends every call
    return Timeline(
        given=tuple(_given(scene, stream)),
        entries=tuple(entry_of(step) for step in played),
        aside=aside,
        hint=_hint(scene, answer, played),
        to_do=remedy_for(end.reason, _cause(end)),
    )


def _cause(end: Deliver | GiveUp) -> Cause | None:
    return end.outcome.cause if isinstance(end, Deliver) else end.cause


def _given(scene: Scene, stream: bool) -> Iterator[str]:
    """What the steps go by."""
    snapshot, facts = scene.snapshot, scene.facts
    routes = ", ".join(route.name for route in snapshot.routes)
    yield f"policy {snapshot.name} (hash {snapshot.hash}): routes {routes}"
    yield (
        f"call: {'stream' if stream else 'no stream'}, model {facts.model or 'not named'}, "
        f"{counted(facts.max_attempts, 'attempt')} at most, deadline {facts.deadline_s:g}s after arrival"
    )
    yield (
        f"budget: repeats may be {snapshot.retry.budget.percent} % of calls and "
        f"{snapshot.retry.budget.min_per_second} more a second; beyond that they wait for their turn"
    )
    if any(ending.cause is Cause.CONNECTION_FAILURE for ending in scene.endings):
        yield "connections: all are new; one kept from before and found closed would be replaced at once"


def _hint(scene: Scene, answer: Answer, played: Sequence[Played]) -> str | None:
    """The hint that the answer would carry, for a request that is well formed."""
    end = played[-1]
    match end.step:
        case GiveUp() as step:
            error = error_of(step)
            facts = HintFacts(
                status=error.status,
                cause=error.cause,
                error_type=error.error_type,
                cut_after_s=end.state.cuts.futile_s,
                own=True,
            )
            return hint_for(facts)
        case Deliver(outcome) if outcome.cause is not None:
            sends = [each for each in played if isinstance(each.step, Send)]
            sent = sends[outcome.attempt - 1]
            assert isinstance(sent.step, Send)
            route = sent.state.candidates[sent.step.candidate].route_index
            return hint_for(_facts(scene, answer, outcome, scene.snapshot.routes[route]))
    return None


def _facts(scene: Scene, answer: Answer, outcome: Outcome, route: Route) -> HintFacts:
    failure, status = answer.failure(route), outcome.status
    assert status is not None  # what is delivered has one
    error = failure.error if failure is not None else ErrorBody(answer.error_type, None, answer.code, None)
    return HintFacts(
        status=status,
        cause=outcome.cause,
        error_type=error.type if error is not None else None,
        error_code=error.code if error is not None else None,
        error_message=answer.message,
        model=scene.facts.model,
        request_headers=_WELL_FORMED,
        credentials_sent=("x-api-key",),
        route_has_credential=route.credential is not None,
        request_has_max_tokens=True,
        max_body_bytes=scene.snapshot.limits.max_body_bytes,
        response_headers=answer.lines,
        retry_after_s=outcome.hints.retry_after_s,
    )

"""How a call ends with an error of our own: what it says, and writing it."""

import msgspec

from claude_sidecar.credentials.store import CredentialStore
from claude_sidecar.hints.futile import futile_hint
from claude_sidecar.policy.actions import GiveUp
from claude_sidecar.proxy.call_context import CallContext, Delivery
from claude_sidecar.proxy.gateway_errors import GatewayError, Refusal, error_of
from claude_sidecar.proxy.open_stream import refusal_as_event
from claude_sidecar.proxy.response_head import gateway_error_lines, our_lines, reason_of
from claude_sidecar.proxy.response_hint import hint_of_gateway_error
from claude_sidecar.telemetry.record import NO_RESPONSE, ResponseRecord
from claude_sidecar.wire.error_body import gateway_error

_MODELS_NAMED = 20


def refuse(context: CallContext, refusal: Refusal) -> None:
    """Answer a call with an error of our own; a call that is open gets it as an event."""
    error, down, hint = refusal.error, context.down, hint_of_gateway_error(context, refusal.error)
    record = context.response = ResponseRecord(
        status=200 if context.opened else error.status,
        cause=error.cause,
        error_type=error.error_type,
        hint=hint.text if hint is not None else None,
        hint_name=hint.name if hint is not None else None,
    )
    if context.opened:
        down.end(refusal_as_event(context, refusal, record.hint))
        return
    body = gateway_error(error.error_type, refusal.message, context.call_id)
    if refusal.closes:
        down.close_after()
    ours = our_lines(record, len(context.attempts), hinted=context.wants_hint)
    lines = gateway_error_lines(refusal, ours, context.call_id, len(body))
    sent = b"" if context.method == "HEAD" else body
    down.start(error.status, reason_of(error.status), lines, sent, sized=True, last=True)


def refuse_after_bug(context: CallContext) -> None:
    """Answer a call that a bug has ended, or break it off where something of a response is on its way."""
    record = context.response or NO_RESPONSE
    waits = context.opened and record.commit_reason is None and not context.down.ended
    if context.down.started and not waits:
        context.response = msgspec.structs.replace(record, interrupted=True)
        context.down.cut()
        return
    message = f"the sidecar has a bug; please report it with {context.call_id} and the log line that names it"
    refuse(context, Refusal(GatewayError.BUG, message, closes=True))


def without_answer(context: CallContext, delivery: Delivery, credentials: CredentialStore) -> Refusal:
    """The error for a call to which no upstream gave a response."""
    step, stops = delivery.step, delivery.stops_the_sdk
    assert isinstance(step, GiveUp)
    error = error_of(step)
    if error is GatewayError.NO_ROUTE:
        return Refusal(error, _no_route(context), stops=stops)
    if error is GatewayError.CREDENTIAL_MISSING:
        message = f"there is no key to send: {_no_credential(context, delivery, credentials)}"
        return Refusal(error, message, stops=stops)
    made = len(context.attempts)
    after = f"{made} attempt{'s' if made != 1 else ''}"
    told = f"no response after {after} ({step.reason}): {context.last_failure}"
    if delivery.cut_after_s is not None:
        told = f"{told}. {futile_hint(delivery.cut_after_s)}"
    return Refusal(error, told, stops=stops)


def _no_route(context: CallContext) -> str:
    if not context.snapshot.routes:
        return (
            "no policy is active: this pod's ClaudePolicy is missing or was rejected, and api.anthropic.com "
            "is not among the pod's allowed hosts. Create or fix the policy; lastError at /status of the "
            "admin port says why it was rejected"
        )
    if len(context.facts.unserved) == len(context.snapshot.routes):
        return (
            f"no route of policy {context.snapshot.name} has a provider that can do what this request asks "
            "for; add a route whose provider can"
        )
    served = sorted({name for route in context.snapshot.routes for name in route.models or ()})
    return (
        f"no route of policy {context.snapshot.name} serves the model asked for; served are: "
        f"{', '.join(served[:_MODELS_NAMED])}. Add the model to a route's models, or ask for one of these"
    )


def _no_credential(context: CallContext, delivery: Delivery, credentials: CredentialStore) -> str:
    """What is wrong with the credentials of the routes that serve this call, without any of them."""
    reasons = []
    for index in sorted({candidate.route_index for candidate in delivery.candidates}):
        route = context.snapshot.routes[index]
        if route.credential is None:
            reasons.append(f"route {route.name} forwards the caller's, which is only a placeholder")
        elif (trouble := credentials.trouble(route.credential)) is not None:
            reasons.append(f"route {route.name}: {trouble}")
    return "; ".join(reasons)

"""Hands an upstream's answer to the caller, and judges a stream by its end."""

import msgspec

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.policy.classify import cause_of_error_event
from claude_sidecar.proxy.answer_head import delivered_lines, our_lines
from claude_sidecar.proxy.attempt import Attempt, Reply
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.open_stream import reply_as_event, whose
from claude_sidecar.proxy.relay import relay_rest
from claude_sidecar.proxy.response_hint import hint_of_reply
from claude_sidecar.telemetry.record import ResponseRecord
from claude_sidecar.wire.content_coding import decoded
from claude_sidecar.wire.model_list import read_model_list

_LONGEST_LIST_BYTES = 8 << 20


async def deliver(context: CallContext, reply: Reply, health: Health, *, stops: bool) -> None:
    """Write head and body of a reply, to its end; the upstream is let go of whatever happens.

    stops: the caller's SDK must not repeat the call.
    """
    attempt, comes = context.attempts[reply.number - 1], reply.rest is not None
    try:
        response = context.response = _response(context, attempt, reply, health)
        context.body.release()  # nothing is sent again from here
        if context.call.facts.path == "/v1/models" and reply.status == 200:
            _learn_models(context, reply, health)
        if context.opened and response.cause is not None:
            context.down.end(reply_as_event(context, reply))
            return
        await _begin(context, response, reply, stops=stops)
        if reply.rest is not None:
            broken = await relay_rest(context.down, reply, context.call_id)
            _judge_end(context, response, attempt, reply, broken)
    finally:
        reply.close()
        if comes:
            attempt.ended_s = clock.now()  # of any other it is long known


def _response(context: CallContext, attempt: Attempt, reply: Reply, health: Health) -> ResponseRecord:
    """What the caller gets, as far as its head tells."""
    failed = attempt.cause is not None
    return ResponseRecord(
        attempt=reply.number,
        route=reply.candidate.route,
        status=200 if context.opened else reply.status,
        cause=attempt.cause,
        error_type=attempt.error_type,
        limit=attempt.limit if failed else None,
        hint=hint_of_reply(context, attempt, reply, health) if failed else None,
        request_id=reply.request_id,
        commit_reason=None if failed else reply.commit_reason,
    )


async def _begin(context: CallContext, response: ResponseRecord, reply: Reply, *, stops: bool) -> None:
    """Write the head and what has come of the body."""
    down, whole = context.down, reply.rest is None
    body = b"".join(reply.prefix)
    reply.drop_held()
    if not whole and reply.events is not None and context.opener is not None:
        # Before anything is written: a ping must not fall into an event of which a piece is on its way.
        context.opener.relay(reply.events)
    if context.opened:
        await down.write_body(whose(context, reply) + body, last=whole)
        return
    bodiless = context.call.method == "HEAD" or reply.status in (204, 304)
    sized = bodiless or (reply.events is None and b"content-length" in reply.index)
    substitute = reply.candidate.substitute
    ours = our_lines(response, len(context.attempts), substitute, futile=context.is_futile)
    lines = delivered_lines(reply.headers, ours, sized=sized, stops=stops)
    down.start(reply.status, reply.reason, lines, body, sized=sized, last=whole)


def _learn_models(context: CallContext, reply: Reply, health: Health) -> None:
    if reply.rest is None:
        body, coding = b"".join(reply.prefix), reply.index.get(b"content-encoding")
        models = read_model_list(decoded(body, coding, _LONGEST_LIST_BYTES) or b"")
        if models:
            health.notes(context.snapshot.routes[reply.candidate.route_index]).models = models


def _judge_end(
    context: CallContext, response: ResponseRecord, attempt: Attempt, reply: Reply, broken: str | None
) -> None:
    """A stream is judged by its events, not by its status; broken: the `error.type` of what broke it."""
    view = reply.events
    error = view.error if view is not None else None
    if broken is not None:
        cause = Cause.CONNECTION_FAILURE
        attempt.broken(cause, "connection_error")
    elif error is not None:
        cause = cause_of_error_event(error.type, error.code, error.message)
        attempt.broken(cause, error.type)
        broken = error.type
    else:
        return
    reply.discard()
    context.response = msgspec.structs.replace(response, cause=cause, error_type=broken, interrupted=True)

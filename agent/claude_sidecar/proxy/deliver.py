"""Hands an upstream's response to the caller: its head, its bytes as they come, and what happens when they
stop coming; a stream is judged by its end.
"""

import asyncio

import msgspec

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.policy.classify import cause_of_error_event
from claude_sidecar.proxy.answer_head import delivered_lines, our_lines
from claude_sidecar.proxy.attempt import Attempt, Reply
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.downstream import Downstream
from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.open_stream import reply_as_event, whose
from claude_sidecar.proxy.response_hint import hint_of_reply
from claude_sidecar.telemetry.record import ResponseRecord
from claude_sidecar.upstream.failure import UpstreamFailure
from claude_sidecar.upstream.sink import Flow, Sink
from claude_sidecar.upstream.transport import UpstreamResponse
from claude_sidecar.wire.content_coding import decoded
from claude_sidecar.wire.error_body import own_error
from claude_sidecar.wire.model_name import read_model_list

_AFTER_LAST_EVENT_S = 1.0
"""How long an upstream may keep a stream open after its last event: some clients wait for the end
(docs/claude-api-notes.md, "Streams")."""

_ALIVE, _PROGRESSED = Flow(progressed=False, full=False), Flow(progressed=True, full=False)

INTERRUPTED = "gateway_stream_interrupted"


async def relay_rest(down: Downstream, reply: Reply, call_id: str) -> str | None:
    """Relay what is still to come of an answer; None, or the `error.type` of what broke it.

    A stream that breaks gets an error event of ours and the connection is closed behind it; another body
    is cut without its end, so that the caller sees that it is not whole.
    """
    incoming = reply.rest
    if incoming is None:
        return None
    if reply.events is not None:
        return await _relay_events(down, reply, reply.events, incoming, call_id)
    try:
        while data := await incoming.read():
            reply.see(data)
            await down.write_body(data)
    except UpstreamFailure:
        down.cut()
        return "connection_error"
    await down.write_body(b"", last=True)
    return None


async def _relay_events(
    down: Downstream, reply: Reply, view: EventView, incoming: UpstreamResponse, call_id: str
) -> str | None:
    sink = _events_sink(down, view)
    try:
        while not view.is_over and await incoming.pour(sink):
            if not view.is_over:
                await down.drain()
        if view.is_over:
            await _relay_tail(down, view, incoming)
        rest = view.finish()
        if view.ended or not reply.guarded:
            await down.write_body(rest, last=True)
            return None
        message = "the upstream ended the stream without message_stop"
    except UpstreamFailure as failure:
        if view.ended and not view.opaque:
            await down.write_body(b"", last=True)
            return None
        message = f"the upstream's stream broke off: {failure}"
    if view.coded:
        down.cut()
        return INTERRUPTED
    await _append_error(down, message, call_id, mid_event=view.mid_event)
    return INTERRUPTED


def _events_sink(down: Downstream, view: EventView) -> Sink:
    """From socket to socket: full when it is time to see whether the caller reads, and at the last event."""

    def take(data: bytes) -> Flow:
        view.progressed = False
        if down.put(view.pass_on(data)) or view.is_over:
            return Flow(view.progressed, full=True)
        return _PROGRESSED if view.progressed else _ALIVE

    return take


async def _relay_tail(down: Downstream, view: EventView, incoming: UpstreamResponse) -> None:
    """What may come after the last event, for a moment."""
    try:
        async with asyncio.timeout(_AFTER_LAST_EVENT_S):
            while data := await incoming.read():
                await down.write_body(b"".join(view.feed(data)))
    except TimeoutError:
        return


async def _append_error(down: Downstream, message: str, call_id: str, *, mid_event: bool) -> None:
    """Nothing can be replayed now; say so in the stream, then end and close.

    mid_event: what went before is a piece of an event, which must end for ours to be one of its own.
    """
    body = own_error(INTERRUPTED, f"{message}; send the call again", call_id)
    before = b"\n\n" if mid_event else b""
    await down.write_body(before + b"event: error\ndata: " + body + b"\n\n", last=True)
    down.close_now()


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

"""Hands an upstream's response to the caller: its head, its bytes as they come, and what happens when they
stop coming; a stream is judged by its end.
"""

import asyncio

import msgspec

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.policy.classify import cause_of_error_event
from claude_sidecar.proxy.attempt import Attempt, Response
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.downstream import Downstream
from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.open_stream import response_as_event, whose
from claude_sidecar.proxy.response_head import delivered_lines, our_lines
from claude_sidecar.proxy.response_hint import hint_of_response
from claude_sidecar.telemetry.record import ResponseRecord
from claude_sidecar.upstream.failure import UpstreamFailure
from claude_sidecar.upstream.sink import Flow, Sink
from claude_sidecar.upstream.transport import UpstreamResponse
from claude_sidecar.wire.content_coding import decoded
from claude_sidecar.wire.error_body import gateway_error
from claude_sidecar.wire.model_name import read_model_list

_AFTER_LAST_EVENT_S = 1.0
"""How long an upstream may keep a stream open after its last event: some clients wait for the end
(docs/claude-api-notes.md, "Streams")."""

_ALIVE, _PROGRESSED = Flow(progressed=False, full=False), Flow(progressed=True, full=False)

INTERRUPTED = "gateway_stream_interrupted"


async def relay_rest(down: Downstream, response: Response, call_id: str) -> str | None:
    """Relay what is still to come of a response; None, or the `error.type` of what broke it.

    A stream that breaks gets an error event of ours and the connection is closed behind it; another body
    is cut without its end, so that the caller sees that it is not whole.
    """
    incoming = response.rest
    if incoming is None:
        return None
    if response.events is not None:
        return await _relay_events(down, response, response.events, incoming, call_id)
    try:
        while data := await incoming.read():
            response.observe(data)
            await down.write_body(data)
    except UpstreamFailure:
        down.cut()
        return "connection_error"
    await down.write_body(b"", last=True)
    return None


async def _relay_events(
    down: Downstream, response: Response, view: EventView, incoming: UpstreamResponse, call_id: str
) -> str | None:
    sink = _events_sink(down, view)
    try:
        while not view.is_over and await incoming.pour(sink):
            if not view.is_over:
                await down.drain()
        if view.is_over:
            await _relay_tail(down, view, incoming)
        rest = view.finish()
        if view.ended or not response.guarded:
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
    body = gateway_error(INTERRUPTED, f"{message}; send the call again", call_id)
    before = b"\n\n" if mid_event else b""
    await down.write_body(before + b"event: error\ndata: " + body + b"\n\n", last=True)
    down.close_now()


_LONGEST_LIST_BYTES = 8 << 20


async def deliver(context: CallContext, response: Response, health: Health, *, stops: bool) -> None:
    """Write head and body of a response, to its end; the upstream is let go of whatever happens.

    stops: the caller's SDK must not repeat the call.
    """
    attempt, comes = context.attempts[response.number - 1], response.rest is not None
    try:
        record = context.response = _record(context, attempt, response, health)
        context.body.release()  # nothing is sent again from here
        if context.call.facts.path == "/v1/models" and response.status == 200:
            _learn_models(context, response, health)
        if context.opened and record.cause is not None:
            context.down.end(response_as_event(context, response))
            return
        await _begin(context, record, response, stops=stops)
        if response.rest is not None:
            broken = await relay_rest(context.down, response, context.call_id)
            _judge_end(context, record, attempt, response, broken)
    finally:
        response.close()
        if comes:
            attempt.ended_s = clock.now()  # of any other it is long known


def _record(context: CallContext, attempt: Attempt, response: Response, health: Health) -> ResponseRecord:
    """What the caller gets, as far as its head tells."""
    failed = attempt.cause is not None
    hint = hint_of_response(context, attempt, response, health) if failed else None
    return ResponseRecord(
        attempt=response.number,
        route=response.candidate.route,
        status=200 if context.opened else response.status,
        cause=attempt.cause,
        error_type=attempt.error_type,
        limit=attempt.limit if failed else None,
        hint=hint.text if hint is not None else None,
        hint_name=hint.name if hint is not None else None,
        request_id=response.request_id,
        commit_reason=None if failed else response.commit_reason,
    )


async def _begin(context: CallContext, record: ResponseRecord, response: Response, *, stops: bool) -> None:
    """Write the head and what has come of the body."""
    down, whole = context.down, response.rest is None
    body = b"".join(response.prefix)
    response.drop_held()
    if not whole and response.events is not None and context.opener is not None:
        # Before anything is written: a ping must not fall into an event of which a piece is on its way.
        context.opener.relay(response.events)
    if context.opened:
        await down.write_body(whose(context, response) + body, last=whole)
        return
    bodiless = context.call.method == "HEAD" or response.status in (204, 304)
    sized = bodiless or (response.events is None and b"content-length" in response.index)
    substitute = response.candidate.substitute
    ours = our_lines(record, len(context.attempts), substitute, hinted=context.wants_hint)
    lines = delivered_lines(response.headers, ours, sized=sized, stops=stops)
    down.start(response.status, response.reason, lines, body, sized=sized, last=whole)


def _learn_models(context: CallContext, response: Response, health: Health) -> None:
    if response.rest is None:
        body, coding = b"".join(response.prefix), response.index.get(b"content-encoding")
        models = read_model_list(decoded(body, coding, _LONGEST_LIST_BYTES) or b"")
        if models:
            health.notes(context.snapshot.routes[response.candidate.route_index]).models = models


def _judge_end(
    context: CallContext, record: ResponseRecord, attempt: Attempt, response: Response, broken: str | None
) -> None:
    """A stream is judged by its events, not by its status; broken: the `error.type` of what broke it."""
    view = response.events
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
    response.discard()
    context.response = msgspec.structs.replace(record, cause=cause, error_type=broken, interrupted=True)

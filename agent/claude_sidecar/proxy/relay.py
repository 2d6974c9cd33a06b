"""After the commit: the answer's bytes on their way to the caller, and what happens when they stop coming."""

import asyncio

from claude_sidecar.proxy.attempt import Reply
from claude_sidecar.proxy.downstream import Downstream
from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.upstream.failure import UpstreamFailure
from claude_sidecar.upstream.sink import Flow, Sink
from claude_sidecar.upstream.transport import Answer
from claude_sidecar.wire.error_body import own_error

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
    answer = reply.rest
    if answer is None:
        return None
    if reply.events is not None:
        return await _relay_events(down, reply, reply.events, answer, call_id)
    try:
        while data := await answer.read():
            reply.see(data)
            await down.write_body(data)
    except UpstreamFailure:
        down.cut()
        return "connection_error"
    await down.write_body(b"", last=True)
    return None


async def _relay_events(
    down: Downstream, reply: Reply, view: EventView, answer: Answer, call_id: str
) -> str | None:
    sink = _events_sink(down, view)
    try:
        while not view.is_over and await answer.pour(sink):
            if not view.is_over:
                await down.drain()
        if view.is_over:
            await _relay_tail(down, view, answer)
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


async def _relay_tail(down: Downstream, view: EventView, answer: Answer) -> None:
    """What may come after the last event, for a moment."""
    try:
        async with asyncio.timeout(_AFTER_LAST_EVENT_S):
            while data := await answer.read():
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

"""Takes in a call's body: kept for repeats, or on its way; and what is said where it can't be had."""

import asyncio

from claude_sidecar import clock
from claude_sidecar.policy.request_facts import deadline_s, keeps_bodies
from claude_sidecar.proxy.buffer_space import BodyRoom, BufferSpace, NoRoom
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.gateway_errors import GatewayError, Refusal, no_room_words, too_large_words
from claude_sidecar.proxy.passing_body import PassingBody
from claude_sidecar.proxy.request_body import BodyTooLarge, RequestBody
from claude_sidecar.proxy.stored_body import store_body, whole_body
from claude_sidecar.proxy.web import RequestPayloadError, StreamReader

_SILENCE_S = 60.0
"""How long a caller may send nothing in the middle of a body."""


class BodyStopped(Exception):
    """The rest of a body did not come."""


BODY_TROUBLES = (RequestPayloadError, BodyStopped, BodyTooLarge, NoRoom)
"""What may end a call on its body's account, while it is taken in or while it passes."""


class TimedBody:
    """Reads like its source, until it stops coming."""

    def __init__(self, source: StreamReader, deadline_s: float | None) -> None:
        """deadline_s: by when the whole body must be here, on the loop's clock; None for no such time."""
        self._source = source
        self._deadline_s = deadline_s

    async def readany(self) -> bytes:
        """The next bytes, empty at the end. Raises BodyStopped after a minute, and at the deadline."""
        # What is here already needs no timer: that is most bodies, whole.
        data = self._source.read_nowait()
        if data or self._source.at_eof():
            return data
        try:
            async with asyncio.timeout(self._patience_s()):
                return await self._source.readany()
        except TimeoutError:
            raise BodyStopped from None

    def at_eof(self) -> bool:
        """Whether all has been read."""
        return self._source.at_eof()

    def _patience_s(self) -> float:
        if self._deadline_s is None:
            return _SILENCE_S
        return min(_SILENCE_S, self._deadline_s - clock.now())


class BodyIntake:
    """Takes in the bodies of all calls, which share one space with the streams that are held."""

    def __init__(self, space: BufferSpace) -> None:
        self._space = space

    async def take(self, context: CallContext, source: StreamReader) -> RequestBody:
        """The call's body out of the caller's connection. Raises Refused and what BODY_TROUBLES names."""
        call, snapshot = context.call, context.snapshot
        context.body_bytes = declared = call.declared_bytes or 0
        context.body_kept = False if call.has_body else None
        limit, repeatable = snapshot.limits.max_body_bytes, call.facts.repeatable
        if repeatable and declared > limit:
            raise BodyTooLarge(declared)
        if call.expects_continue:
            context.down.interim(b"HTTP/1.1 100 Continue")
        room = BodyRoom(self._space, snapshot.limits.max_buffered_bytes, snapshot.limits.spool_bytes)
        coding = call.index.get(b"content-encoding")
        if repeatable and coding is None and source.is_eof():
            body = whole_body(source, call.declared_bytes, room)
            if body is not None:
                context.body_kept = True if call.has_body else None
                return body
        deadline = deadline_s(context.started_s, snapshot.timeouts.total_s, call.sdk.timeout_s)
        timed = TimedBody(source, deadline if repeatable and call.facts.is_post else None)
        if call.has_body and not (repeatable and keeps_bodies(snapshot)):
            passing = PassingBody(timed, call.declared_bytes)
            if repeatable:
                await passing.look_at(coding, limit)
            return passing
        wait_by_s = (context.started_s + deadline) / 2
        body = await store_body(
            timed, call.declared_bytes, coding, room, limit_bytes=limit, wait_by_s=wait_by_s
        )
        context.body_bytes = body.size_bytes
        context.body_kept = True if call.has_body else None
        return body


def body_refusal(
    trouble: RequestPayloadError | BodyStopped | BodyTooLarge | NoRoom, context: CallContext
) -> Refusal:
    """The response to a call whose body can't be had."""
    if isinstance(trouble, BodyTooLarge):
        context.body_bytes = trouble.size_bytes
        words = too_large_words(trouble.size_bytes, context.snapshot.limits.max_body_bytes)
        return Refusal(GatewayError.REQUEST_TOO_LARGE, words, closes=True)
    if isinstance(trouble, NoRoom):
        return Refusal(GatewayError.BUSY, no_room_words(trouble.why, trouble.waited_s), closes=True)
    if isinstance(trouble, BodyStopped):
        words = "the rest of the body did not come in time; check what the client waits for"
    else:
        words = "the body's framing is broken: it is not what its headers announce"
    return Refusal(GatewayError.BAD_REQUEST, words, closes=True)

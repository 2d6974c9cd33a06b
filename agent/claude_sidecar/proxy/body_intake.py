"""Takes in a call's body: kept for repeats, or on its way; and what is said where it can't be had."""

from aiohttp import web
from aiohttp.web_protocol import RequestPayloadError

from claude_sidecar.proxy.body_room import BodyRoom, BufferSpace, NoRoom
from claude_sidecar.proxy.call import Call
from claude_sidecar.proxy.downstream import Downstream
from claude_sidecar.proxy.own_error import OwnError, Refusal
from claude_sidecar.proxy.own_words import no_room_words, too_large_words
from claude_sidecar.proxy.passing_body import PassingBody
from claude_sidecar.proxy.request_body import BodyTooLarge, RequestBody
from claude_sidecar.proxy.stored_body import store_body, whole_body
from claude_sidecar.proxy.timed_body import BodyStopped, TimedBody, broken_body
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.telemetry.record import CallRecord

BODY_TROUBLES = (RequestPayloadError, BodyStopped, BodyTooLarge, NoRoom)
"""What may end a call on its body's account, while it is taken in or while it passes."""


class BodyIntake:
    """Takes in the bodies of all calls, which share one space with the streams that are held."""

    def __init__(self, space: BufferSpace) -> None:
        self._space = space

    async def take(
        self,
        request: web.BaseRequest,
        down: Downstream,
        call: Call,
        record: CallRecord,
        snapshot: Snapshot,
        deadline_s: float,
    ) -> RequestBody:
        """The call's body; what is known of it goes into the record.

        deadline_s: the call's, on the loop's clock. Raises Refused and what BODY_TROUBLES names.
        """
        record.request_bytes = declared = call.declared_bytes or 0
        record.body_kept = False if call.has_body else None
        limit, repeatable = snapshot.limits.max_body_bytes, call.facts.repeatable
        if repeatable and declared > limit:
            raise BodyTooLarge(declared)
        if call.expects_continue:
            down.interim(b"HTTP/1.1 100 Continue")
        room = BodyRoom(self._space, snapshot.limits.max_buffered_bytes, snapshot.limits.spool_bytes)
        coding = call.index.get(b"content-encoding")
        passes = call.has_body and (room.keeps_nothing or not repeatable)
        if not passes and coding is None and request.content.is_eof():
            body = whole_body(request.content, call.declared_bytes, room)
            if body is not None:
                record.body_kept = True if call.has_body else None
                return body
        source = TimedBody(request.content, deadline_s if repeatable and call.facts.is_post else None)
        if passes:
            passing = PassingBody(source, call.declared_bytes)
            if repeatable:
                await passing.look_at(coding, limit)
            return passing
        wait_by_s = (record.started_s + deadline_s) / 2
        body = await store_body(
            source, call.declared_bytes, coding, room, limit_bytes=limit, wait_by_s=wait_by_s
        )
        record.request_bytes = body.size_bytes
        record.body_kept = True if call.has_body else None
        return body


def body_refusal(
    trouble: RequestPayloadError | BodyStopped | BodyTooLarge | NoRoom, record: CallRecord, snapshot: Snapshot
) -> Refusal:
    """The answer to a call whose body can't be had."""
    if isinstance(trouble, BodyTooLarge):
        record.request_bytes = trouble.size_bytes
        words = too_large_words(trouble.size_bytes, snapshot.limits.max_body_bytes)
        return Refusal(OwnError.REQUEST_TOO_LARGE, words, closes=True)
    if isinstance(trouble, NoRoom):
        return Refusal(OwnError.BUSY, no_room_words(trouble.why, trouble.waited_s), closes=True)
    return broken_body(trouble)

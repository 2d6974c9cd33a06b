"""Up to the commit: an answer is held back until it is certain enough to be the one."""

import asyncio

from claude_sidecar import clock
from claude_sidecar.policy.commit import HELD_BYTES, CommitReason, commit_by
from claude_sidecar.proxy.attempt import Reply
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.proxy.opener import Opener
from claude_sidecar.upstream.failure import ConnectionDied
from claude_sidecar.upstream.transport import Answer
from claude_sidecar.wire.sse import event_type


async def hold_body(reply: Reply, answer: Answer, until_s: float, limit_bytes: int = HELD_BYTES) -> None:
    """Read the whole body, or `limit_bytes` of it, or what has come until `until_s` on the loop's clock.

    The caller's time-out counts from what it receives: an answer that is coming is better begun than given
    up for it. Raises UpstreamFailure when it is cut before.
    """
    body = answer.whole()
    if body is not None:
        # That is most answers which are no streams: no timer for them.
        if body:
            reply.prefix.append(body)
            reply.see(body)
        answer.close()
        return
    answer.lift_deadline()
    held = 0
    reply.rest = answer
    try:
        async with asyncio.timeout_at(until_s):
            while held <= limit_bytes:
                data = await answer.read()
                if not data:
                    reply.rest = None
                    answer.close()
                    return
                held += len(data)
                reply.prefix.append(data)
                reply.see(data)
    except TimeoutError:
        return


class HeldStream:
    """A stream of events that is held until its first delta, its end, or as long as it may be."""

    def __init__(
        self, context: CallContext, opener: Opener, reply: Reply, view: EventView, answer: Answer
    ) -> None:
        self.reply = reply
        self._opener = opener
        self._context = context
        self._view = view
        self._answer = answer
        self._content_since_s: float | None = None
        self._reason = CommitReason.DEADLINE
        self._limit: asyncio.Timeout | None = None
        self._held_bytes = 0
        self._share = reply.share = context.room.share(self._run_out_of_room)

    @property
    def may_open(self) -> bool:
        """Whether events of ours could follow its head."""
        return not self._view.coded

    @property
    def has_begun(self) -> bool:
        """Whether its `message_start` has come; completions have none: any event will do."""
        if self._context.call.facts.operation == "chat":
            return self._view.started
        return self._view.has_events

    def opened(self) -> None:
        """Its head is with the caller, whose time-out holds no more."""
        self._set_limit()

    async def read(self) -> CommitReason | None:
        """Read on until there is a reason to commit; None after an `error` event.

        Raises UpstreamFailure when the stream breaks off before; so does a clean end without `message_stop`,
        which an SDK would take for success.
        """
        self.reply.rest = self._answer
        self._answer.lift_deadline()
        try:
            async with asyncio.timeout_at(None) as limit:
                self._limit = limit
                self._set_limit()
                self._opener.hold(self)
                return await self._read()
        except TimeoutError:
            return self._reason
        finally:
            self._limit = None
            self._opener.let_go()
            self._share.settle()

    async def _read(self) -> CommitReason | None:
        view = self._view
        while True:
            data = await self._answer.read()
            if not data:
                self._finish()
                return None if view.error is not None else CommitReason.END
            self._keep(data, view.feed(data))
            if view.begun:
                return CommitReason.END if view.stopped and not view.has_delta else CommitReason.FIRST_DELTA
            if view.error is not None:
                return None
            if self._held_bytes > HELD_BYTES:
                return CommitReason.SIZE
            self._note_progress()

    def _keep(self, data: bytes, events: list[bytes]) -> None:
        """Keep what came; an open call has pings of ours instead of the upstream's."""
        size = len(data)
        if self._context.opened:
            size -= sum([len(event) for event in events if event_type(event) == b"ping"])
            events = [event for event in events if event_type(event) != b"ping"]
        self.reply.prefix += events
        self._held_bytes += size
        self._share.grow(size, self._context.snapshot.limits.max_buffered_bytes)

    def _note_progress(self) -> None:
        if self._content_since_s is None and self._view.has_content:
            self._content_since_s = clock.now()
            self._set_limit()
        if not self._context.opened:
            self._opener.look()

    def _set_limit(self) -> None:
        when, reason = commit_by(
            self._context.deadline_s, self._content_since_s, self._context.snapshot.stream.hold_max_s
        )
        self._end_by(when, reason)

    def _run_out_of_room(self) -> None:
        self._end_by(clock.now(), CommitReason.SIZE)
        self._limit = None

    def _end_by(self, when_s: float, reason: CommitReason) -> None:
        if self._limit is not None and not self._limit.expired():
            self._reason = reason
            self._limit.reschedule(when_s)

    def _finish(self) -> None:
        view = self._view
        rest = view.finish()
        if not view.ended:
            raise ConnectionDied(
                "the stream ended before its first delta and without message_stop",
                before_any_byte=False,
                reused=False,
            )
        if rest:
            self.reply.prefix.append(rest)
        self.reply.rest = None
        self._answer.close()

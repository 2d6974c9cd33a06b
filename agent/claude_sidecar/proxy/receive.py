"""From the head of a response to what it is worth: held back until it is certain enough to be the one, then
judged.
"""

import asyncio

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.policy.classify import cause_of_error_event
from claude_sidecar.policy.holding import HELD_BYTES, CommitReason, commit_by
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.providers.provider import Rewriting
from claude_sidecar.proxy.attempt import Attempt, Response
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.proxy.opener import Opener
from claude_sidecar.proxy.response_head import reason_of
from claude_sidecar.schema.timeouts import Hold
from claude_sidecar.upstream.failure import ConnectionDied
from claude_sidecar.upstream.transport import UpstreamResponse
from claude_sidecar.wire.codecs import CodingUnknown
from claude_sidecar.wire.content_coding import BoundedDecoder
from claude_sidecar.wire.headers import index_of
from claude_sidecar.wire.sse import event_type


async def hold_body(
    response: Response, incoming: UpstreamResponse, until_s: float, limit_bytes: int = HELD_BYTES
) -> None:
    """Read the whole body, or `limit_bytes` of it, or what has come until `until_s` on the loop's clock.

    The caller's time-out counts from what it receives: a response that is coming is better begun than given
    up for it. Raises UpstreamFailure when it is cut before.
    """
    body = incoming.whole()
    if body is not None:
        # That is most responses which are no streams: no timer for them.
        if body:
            response.prefix.append(body)
            response.observe(body)
        incoming.close()
        return
    incoming.lift_deadline()
    held = 0
    response.rest = incoming
    try:
        async with asyncio.timeout_at(until_s):
            while held <= limit_bytes:
                data = await incoming.read()
                if not data:
                    response.rest = None
                    incoming.close()
                    return
                held += len(data)
                response.prefix.append(data)
                response.observe(data)
    except TimeoutError:
        return


class HeldStream:
    """A stream of events that is held until its first delta, its end, or as long as it may be."""

    def __init__(
        self,
        context: CallContext,
        opener: Opener,
        response: Response,
        view: EventView,
        incoming: UpstreamResponse,
    ) -> None:
        self.response = response
        self._opener = opener
        self._context = context
        self._view = view
        self._incoming = incoming
        self._content_since_s: float | None = None
        self._reason = CommitReason.DEADLINE
        self._limit: asyncio.Timeout | None = None
        self._held_bytes = 0
        self._share = response.share = context.room.share(self._run_out_of_room)

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
        self.response.rest = self._incoming
        self._incoming.lift_deadline()
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
            data = await self._incoming.read()
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
        self.response.prefix += events
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
            self.response.prefix.append(rest)
        self.response.rest = None
        self._incoming.close()


_COPY_BYTES = 8 << 20


async def receive(context: CallContext, attempt: Attempt, incoming: UpstreamResponse) -> Outcome:
    """Hold a response until it may be committed, and say what it is.

    Raises UpstreamFailure when it breaks off before.
    """
    attempt.first_byte_s = incoming.first_byte_at
    response = attempt.response = _new_response(context, attempt, incoming)
    if (reason := _why_no_answer(context, response)) is not None:
        incoming.discard()
        return _misfit(context, attempt, response, reason)
    await _hold(context, attempt, response, incoming)
    return _classify(attempt, response)


def _new_response(context: CallContext, attempt: Attempt, incoming: UpstreamResponse) -> Response:
    """A response of which the head has come, with what reads the rest as it flows by."""
    asked, came = context.call.facts, index_of(incoming.headers)
    lines = attempt.provider.response_lines(incoming.headers)
    index = came if lines is incoming.headers else index_of(lines)
    response = Response(incoming.status, incoming.reason, lines, index, attempt.candidate, attempt.number)
    coding = came.get(b"content-encoding")
    may_stream = incoming.status < 400 and context.call.method != "HEAD"
    framer = attempt.provider.framer(came) if may_stream else None
    if framer is not None:
        response.events = EventView(framer, coding, response.metadata, inference=asked.operation is not None)
        response.guarded = asked.operation == "chat"
    elif incoming.status >= 400 or asked.operation or asked.path == "/v1/models":
        try:
            response.decoder = BoundedDecoder(coding, _COPY_BYTES)
        except CodingUnknown:
            response.decoder = None
    return response


def _why_no_answer(context: CallContext, response: Response) -> str | None:
    """Why what came can be no response to this call, however whole it is; None where it can."""
    if context.opened and not _fits_open_stream(response):
        return "which can't go on in the event stream that is open"
    page = response.index.get(b"content-type", b"").lower().startswith(b"text/html")
    if page and response.status < 300 and context.call.facts.operation is not None:
        # Portals and misled load balancers answer 200 with one; an SDK takes it for an empty stream.
        return "a web page, which is no response of this API: something on the way speaks in its place"
    return None


def _fits_open_stream(response: Response) -> bool:
    """Whether a response can go on behind the head of an event stream; errors can, as events."""
    return response.status >= 400 or (response.events is not None and not response.events.coded)


def _misfit(context: CallContext, attempt: Attempt, response: Response, reason: str) -> Outcome:
    route = attempt.route
    kind = response.index.get(b"content-type", b"no content-type").decode("ascii", "replace")[:100]
    context.last_failure = (
        f"route {route.name} ({route.authority}): it answered {response.status} with {kind}, {reason}"
    )
    return Outcome(Cause.SERVER_ERROR, response.status)


async def _hold(
    context: CallContext, attempt: Attempt, response: Response, incoming: UpstreamResponse
) -> None:
    snapshot = context.snapshot
    view = response.events
    if view is not None:
        opener = context.opener
        if opener is not None and snapshot.stream.hold is Hold.FIRST_DELTA and not view.opaque:
            response.commit_reason = await HeldStream(context, opener, response, view, incoming).read()
        else:
            response.rest = incoming
            response.commit_reason = CommitReason.HEADERS if opener is not None else None
    elif rewriting := attempt.provider.rewriting(context.call, attempt.route, response.status):
        await hold_body(response, incoming, context.deadline_s, rewriting.most_bytes)
        _rewrite(response, rewriting)
    else:
        await hold_body(response, incoming, context.deadline_s)
    if response.rest is not None:
        idle_s = snapshot.timeouts.idle_s if context.call.facts.is_post and context.repeatable else None
        stalled_s = (snapshot.timeouts.stalled_s or None) if context.streams and view is not None else None
        incoming.commit(idle_s, stalled_s)


def _rewrite(response: Response, rewriting: Rewriting) -> None:
    """What is not whole by now goes on as it is: an SDK that gave up would make a batch once more."""
    if response.rest is not None:
        return
    changed = rewriting.rewritten(response.headers, b"".join(response.prefix))
    if changed is not None:
        response.headers, body = changed
        response.prefix = [body]


def _classify(attempt: Attempt, response: Response) -> Outcome:
    view = response.events
    if view is not None and view.error is not None and not view.begun:
        response.error = view.error
        cause: Cause | None = cause_of_error_event(view.error.type, view.error.code, view.error.message)
        response.discard()  # the API closes the connection behind an error event
    elif response.status >= 400:
        failure = attempt.provider.failure(response.status, response.headers, bytes(response.copy))
        cause, response.error, response.limit = failure.cause, failure.error, failure.limit
        if failure.status != response.status:
            response.status, response.reason = failure.status, reason_of(failure.status)
    else:
        cause = None
    if cause is None:
        return Outcome(None, response.status, has_response=True, attempt=response.number)
    hints = attempt.provider.retry_hints(response.status, response.headers, clock.unix_ns() / 1e9)
    return Outcome(cause, response.status, has_response=True, hints=hints, attempt=response.number)

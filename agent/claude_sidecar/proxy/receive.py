"""From the head of an upstream's answer to what it is worth: held as long as need be, then judged."""

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.policy.classify import cause_of_error_event, cause_of_status
from claude_sidecar.policy.commit import CommitReason
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.retry_hints import read_retry_hints
from claude_sidecar.proxy.attempt import Attempt, Reply
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.proxy.hold import HeldStream, hold_body
from claude_sidecar.proxy.results_url import HELD_BATCH_BYTES, names_results_url, with_callers_origin
from claude_sidecar.schema.timeouts import Hold
from claude_sidecar.upstream.transport import Answer
from claude_sidecar.wire.codecs import CodingUnknown
from claude_sidecar.wire.content_coding import TeeDecoder
from claude_sidecar.wire.error_body import read_error

_COPY_BYTES = 8 << 20


async def receive(context: CallContext, reply: Reply, answer: Answer) -> Outcome:
    """Hold an answer until it may be committed, and say what it is.

    Raises UpstreamFailure when it breaks off before.
    """
    if (reason := _why_no_answer(context, reply)) is not None:
        answer.discard()
        return _misfit(context, reply, reason)
    await _hold(context, reply, answer)
    return _classify(reply)


def new_reply(context: CallContext, attempt: Attempt, answer: Answer) -> Reply:
    """An answer of which the head has come, with what reads the rest as it flows by."""
    reply = Reply(answer.status, answer.reason, answer.headers, attempt.candidate, attempt.number)
    coding = reply.index.get(b"content-encoding")
    kind = reply.index.get(b"content-type", b"")
    if (
        answer.status < 400
        and kind.lower().startswith(b"text/event-stream")
        and context.call.method != "HEAD"
    ):
        reply.events = EventView(coding, reply.facts, inference=context.call.facts.operation is not None)
        reply.guarded = context.call.facts.operation == "chat"
    elif answer.status >= 400 or context.call.facts.operation or context.call.facts.path == "/v1/models":
        try:
            reply.tee = TeeDecoder(coding, _COPY_BYTES)
        except CodingUnknown:
            reply.tee = None
    return reply


def _why_no_answer(context: CallContext, reply: Reply) -> str | None:
    """Why what came can be no answer to this call, however whole it is; None where it can."""
    if context.opened and not _fits_open_stream(reply):
        return "which can't go on in the event stream that is open"
    if reply.status < 300 and context.call.facts.operation is not None and _is_web_page(reply):
        return "a web page, which is no answer of this API: something on the way speaks in its place"
    return None


def _fits_open_stream(reply: Reply) -> bool:
    """Whether an answer can go on behind the head of an event stream; errors can, as events."""
    return reply.status >= 400 or (reply.events is not None and not reply.events.coded)


def _is_web_page(reply: Reply) -> bool:
    """Portals and misled load balancers answer 200 with one; an SDK takes it for an empty stream."""
    return reply.index.get(b"content-type", b"").lower().startswith(b"text/html")


def _misfit(context: CallContext, reply: Reply, reason: str) -> Outcome:
    route = context.snapshot.routes[reply.candidate.route_index]
    kind = reply.index.get(b"content-type", b"no content-type").decode("ascii", "replace")[:100]
    context.last_failure = (
        f"route {route.name} ({route.authority}): it answered {reply.status} with {kind}, {reason}"
    )
    return Outcome(Cause.SERVER_ERROR, reply.status)


async def _hold(context: CallContext, reply: Reply, answer: Answer) -> None:
    snapshot = context.snapshot
    view = reply.events
    if view is not None:
        opener = context.opener
        if opener is not None and snapshot.stream.hold is Hold.FIRST_DELTA and not view.opaque:
            reply.commit_reason = await HeldStream(context, opener, reply, view, answer).read()
        else:
            reply.rest = answer
            reply.commit_reason = CommitReason.HEADERS if opener is not None else None
    elif names_results_url(context.call.facts.path) and reply.status < 300:
        # What is not whole by then goes on with the upstream's own URL: an SDK that gave up would make the
        # batch once more.
        await hold_body(reply, answer, context.deadline_s, HELD_BATCH_BYTES)
        route = snapshot.routes[reply.candidate.route_index]
        with_callers_origin(reply, route, context.call.index.get(b"host"))
    else:
        await hold_body(reply, answer, context.deadline_s)
    if reply.rest is not None:
        idle_s = snapshot.timeouts.idle_s if context.call.facts.is_post and context.repeatable else None
        stalled_s = (snapshot.timeouts.stalled_s or None) if context.streams and view is not None else None
        answer.commit(idle_s, stalled_s)


def _classify(reply: Reply) -> Outcome:
    view = reply.events
    if view is not None and view.error is not None and not view.begun:
        reply.error = view.error
        cause: Cause | None = cause_of_error_event(view.error.type, view.error.code, view.error.message)
        reply.discard()  # the API closes the connection behind an error event
    elif reply.status >= 400:
        reply.error = read_error(bytes(reply.copy))
        error = reply.error
        cause = cause_of_status(reply.status, error.code if error else None, error.message if error else None)
    else:
        cause = None
    if cause is None:
        return Outcome(None, reply.status, has_answer=True, attempt=reply.number)
    hints = read_retry_hints(reply.headers, reply.status, clock.unix_ns() / 1e9)
    return Outcome(cause, reply.status, has_answer=True, hints=hints, attempt=reply.number)

"""From the head of an upstream's answer to what it is worth: held as long as need be, then judged."""

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.policy.classify import cause_of_error_event
from claude_sidecar.policy.commit import CommitReason
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.providers.provider import Rewriting
from claude_sidecar.proxy.answer_head import reason_of
from claude_sidecar.proxy.attempt import Attempt, Reply
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.proxy.hold import HeldStream, hold_body
from claude_sidecar.schema.timeouts import Hold
from claude_sidecar.upstream.transport import Answer
from claude_sidecar.wire.codecs import CodingUnknown
from claude_sidecar.wire.content_coding import TeeDecoder
from claude_sidecar.wire.headers import index_of

_COPY_BYTES = 8 << 20


async def receive(context: CallContext, attempt: Attempt, reply: Reply, answer: Answer) -> Outcome:
    """Hold an answer until it may be committed, and say what it is.

    Raises UpstreamFailure when it breaks off before.
    """
    if (reason := _why_no_answer(context, reply)) is not None:
        answer.discard()
        return _misfit(context, attempt, reply, reason)
    await _hold(context, attempt, reply, answer)
    return _classify(attempt, reply)


def new_reply(context: CallContext, attempt: Attempt, answer: Answer) -> Reply:
    """An answer of which the head has come, with what reads the rest as it flows by."""
    asked, came = context.call.facts, index_of(answer.headers)
    lines = attempt.provider.response_lines(answer.headers)
    index = came if lines is answer.headers else index_of(lines)
    reply = Reply(answer.status, answer.reason, lines, index, attempt.candidate, attempt.number)
    coding = came.get(b"content-encoding")
    may_stream = answer.status < 400 and context.call.method != "HEAD"
    framer = attempt.provider.framer(came) if may_stream else None
    if framer is not None:
        reply.events = EventView(framer, coding, reply.facts, inference=asked.operation is not None)
        reply.guarded = asked.operation == "chat"
    elif answer.status >= 400 or asked.operation or asked.path == "/v1/models":
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


def _misfit(context: CallContext, attempt: Attempt, reply: Reply, reason: str) -> Outcome:
    route = attempt.route
    kind = reply.index.get(b"content-type", b"no content-type").decode("ascii", "replace")[:100]
    context.last_failure = (
        f"route {route.name} ({route.authority}): it answered {reply.status} with {kind}, {reason}"
    )
    return Outcome(Cause.SERVER_ERROR, reply.status)


async def _hold(context: CallContext, attempt: Attempt, reply: Reply, answer: Answer) -> None:
    snapshot = context.snapshot
    view = reply.events
    if view is not None:
        opener = context.opener
        if opener is not None and snapshot.stream.hold is Hold.FIRST_DELTA and not view.opaque:
            reply.commit_reason = await HeldStream(context, opener, reply, view, answer).read()
        else:
            reply.rest = answer
            reply.commit_reason = CommitReason.HEADERS if opener is not None else None
    elif rewriting := attempt.provider.rewriting(context.call, attempt.route, reply.status):
        await hold_body(reply, answer, context.deadline_s, rewriting.most_bytes)
        _rewrite(reply, rewriting)
    else:
        await hold_body(reply, answer, context.deadline_s)
    if reply.rest is not None:
        idle_s = snapshot.timeouts.idle_s if context.call.facts.is_post and context.repeatable else None
        stalled_s = (snapshot.timeouts.stalled_s or None) if context.streams and view is not None else None
        answer.commit(idle_s, stalled_s)


def _rewrite(reply: Reply, rewriting: Rewriting) -> None:
    """What is not whole by now goes on as it is: an SDK that gave up would make a batch once more."""
    if reply.rest is not None:
        return
    changed = rewriting.rewritten(reply.headers, b"".join(reply.prefix))
    if changed is not None:
        reply.headers, body = changed
        reply.prefix = [body]


def _classify(attempt: Attempt, reply: Reply) -> Outcome:
    view = reply.events
    if view is not None and view.error is not None and not view.begun:
        reply.error = view.error
        cause: Cause | None = cause_of_error_event(view.error.type, view.error.code, view.error.message)
        reply.discard()  # the API closes the connection behind an error event
    elif reply.status >= 400:
        failure = attempt.provider.failure(reply.status, reply.headers, bytes(reply.copy))
        cause, reply.error, reply.limit = failure.cause, failure.error, failure.limit
        if failure.status != reply.status:
            reply.status, reply.reason = failure.status, reason_of(failure.status)
    else:
        cause = None
    if cause is None:
        return Outcome(None, reply.status, has_answer=True, attempt=reply.number)
    hints = attempt.provider.retry_hints(reply.status, reply.headers, clock.unix_ns() / 1e9)
    return Outcome(cause, reply.status, has_answer=True, hints=hints, attempt=reply.number)

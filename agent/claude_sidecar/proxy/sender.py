"""Carries out one send: from the chosen candidate to its outcome."""

import asyncio

from claude_sidecar import clock
from claude_sidecar.policy.cause import Cause
from claude_sidecar.policy.classify import cause_of_error_event, cause_of_status
from claude_sidecar.policy.endpoint import is_private
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.ratelimit import limit_hit
from claude_sidecar.policy.routing import Candidate
from claude_sidecar.policy.snapshot import Hold, Route
from claude_sidecar.policy.step import Send
from claude_sidecar.policy.upstream_word import read_word
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.proxy.hold import HELD_BYTES, hold_body, hold_events
from claude_sidecar.proxy.renamed_body import renamed_body
from claude_sidecar.proxy.reply import Reply
from claude_sidecar.proxy.request_head import Changes, request_head
from claude_sidecar.proxy.results_url import HELD_BATCH_BYTES, names_results_url, with_callers_origin
from claude_sidecar.telemetry.record import AttemptRecord
from claude_sidecar.upstream.failure import ConnectionDied, TimedOut, UpstreamFailure
from claude_sidecar.upstream.out_of_files import OutOfFiles
from claude_sidecar.upstream.transport import Answer, RequestBody, Timers, Transport, UpstreamRequest
from claude_sidecar.wire.account import account_of
from claude_sidecar.wire.content_coding import CodingUnknown, TeeDecoder
from claude_sidecar.wire.error_body import read_error
from claude_sidecar.wire.model_name import shown_model

_COPY_BYTES = 8 << 20


class Sender:
    """Makes sends over a transport."""

    def __init__(self, transport: Transport, instance: bytes) -> None:
        """instance: this sidecar's id, by which it knows a call that comes back."""
        self._transport = transport
        self._instance = instance

    async def send(
        self, context: CallContext, candidate: Candidate, credential: bytes | None, step: Send
    ) -> Outcome:
        """Send once and hold the answer until it may be committed.

        credential: the route's own, None forwards the caller's; step: as decided.
        Cancelling it cancels the upstream's call at once.
        """
        route = context.snapshot.routes[candidate.route_index]
        attempt = _attempt_record(context, candidate, route)
        context.record.attempts.append(attempt)
        reply: Reply | None = None
        answer: Answer | None = None
        try:
            answer = await self._transport.send(
                self._request(context, candidate, route, credential, attempt, step)
            )
            attempt.first_byte_s = answer.first_byte_at
            attempt.status = answer.status
            reply = _new_reply(context, candidate, attempt, answer)
            await _hold(context, reply, answer)
            outcome = _classify(context, reply)
        except UpstreamFailure as failure:
            context.last_failure = f"route {route.name} ({route.authority}): {failure}"
            outcome = _failed(failure)
            if answer is not None:
                answer.discard()
        except OutOfFiles:
            context.record.attempts.remove(attempt)
            raise
        except asyncio.CancelledError:
            attempt.cancelled = True
            if answer is not None:
                answer.discard()
            raise
        finally:
            attempt.ended_s = clock.now()
            if reply is not None:
                note_answer(attempt, reply)
        attempt.cause = outcome.cause
        attempt.error_type = _error_type(outcome, reply)
        attempt.limit = _limit(reply)
        attempt.reused_connection_died = outcome.reused_connection_died
        return outcome

    def _request(
        self,
        context: CallContext,
        candidate: Candidate,
        route: Route,
        credential: bytes | None,
        attempt: AttemptRecord,
        step: Send,
    ) -> UpstreamRequest:
        body: RequestBody = context.body
        size: int | None = context.body.size_bytes
        if candidate.model is not None and candidate.model != context.body_facts.model:
            renamed = renamed_body(context, candidate.model)
            if renamed is not None:
                body, size = renamed, len(renamed.whole)
        if not context.body.repeatable:
            size = context.call.declared_bytes
        trace = None
        if attempt.span_id is not None and context.record.trace_id is not None:
            trace = (context.record.trace_id, attempt.span_id)
        joins = trace is not None and context.record.parent_span_id is not None
        instance = self._instance if is_private(route.host) else None
        changes = Changes(credential, context.streams, size, trace, joins, instance)
        return UpstreamRequest(
            route=route,
            head=request_head(context.call, route, changes),
            body=body,
            head_only=context.call.method == "HEAD",
            timers=_timers(context, step),
            account=account_of(context.call.credentials, credential),
            # A connection that dies while idle is found out by a send, which this call has but one of.
            fresh=step.fresh or not context.repeatable,
            chunked=size is None,
        )


def _timers(context: CallContext, step: Send) -> Timers:
    snapshot = context.snapshot
    soon = context.answers_soon
    bounded = context.call.facts.is_post and context.repeatable
    return Timers(
        connect_s=snapshot.connect_s,
        first_byte_s=snapshot.first_byte_s if soon and step.elsewhere else None,
        idle_s=snapshot.idle_s if soon else None,
        deadline_by=context.deadline_s if bounded else None,
    )


def _attempt_record(context: CallContext, candidate: Candidate, route: Route) -> AttemptRecord:
    record = context.record
    span_id = None
    if context.snapshot.traces_propagate:
        record.trace_id = record.trace_id or clock.random_hex(32)
        span_id = clock.random_hex(16)
    return AttemptRecord(
        route=route.name,
        model=shown_model(candidate.model) or "",
        started_s=clock.now(),
        server_address=route.host,
        server_port=route.port,
        url=f"{route.origin}{route.base_path}{context.call.facts.path}",
        span_id=span_id,
        key=record.key,
    )


def _new_reply(context: CallContext, candidate: Candidate, attempt: AttemptRecord, answer: Answer) -> Reply:
    sent = context.credentials_sent
    reply = Reply(answer.status, answer.reason, answer.headers, candidate, attempt, credentials_sent=sent)
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


async def _hold(context: CallContext, reply: Reply, answer: Answer) -> None:
    snapshot = context.snapshot
    view = reply.events
    if view is not None:
        if context.streams and snapshot.hold is Hold.FIRST_DELTA:
            await hold_events(reply, view, answer, snapshot.hold_max_s)
        else:
            reply.rest = answer
    elif names_results_url(context.call.facts.path) and reply.status < 300:
        await hold_body(reply, answer, HELD_BATCH_BYTES)
        route = snapshot.routes[reply.candidate.route_index]
        with_callers_origin(reply, route, context.call.index.get(b"host"))
    else:
        await hold_body(reply, answer, HELD_BYTES)
        for data in reply.prefix if reply.tee is not None else ():
            reply.see(data)
    if reply.rest is not None:
        idle = snapshot.idle_s if context.call.facts.is_post and context.repeatable else None
        answer.committed(idle)


def _classify(context: CallContext, reply: Reply) -> Outcome:
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
        return Outcome(None, reply.status, has_answer=True, reply=reply)
    word = read_word(reply.headers, reply.status, clock.unix_ns() / 1e9)
    return Outcome(cause, reply.status, has_answer=True, word=word, reply=reply)


def _failed(failure: UpstreamFailure) -> Outcome:
    if isinstance(failure, TimedOut):
        return Outcome(Cause.TIMEOUT, our_timeout=True)
    if not isinstance(failure, ConnectionDied):
        return Outcome(Cause.CONNECTION_FAILURE)
    died = failure.reused and failure.before_any_byte
    return Outcome(Cause.CONNECTION_FAILURE, reused_connection_died=died, cut_after_s=failure.silent_s)


def note_answer(attempt: AttemptRecord, reply: Reply) -> None:
    """Put what the answer told into the attempt's record; done again when more of it has come."""
    if reply.rest is None:
        reply.read_copy()
    facts = reply.facts
    attempt.usage = facts.usage
    attempt.response_model = facts.model
    attempt.response_id = facts.message_id
    attempt.stop_reason = facts.stop_reason
    request_id = reply.index.get(b"request-id")
    if request_id is not None:
        attempt.request_id = request_id.decode("ascii", "replace")[:100]


def _error_type(outcome: Outcome, reply: Reply | None) -> str | None:
    if outcome.cause is None:
        return None
    if not outcome.has_answer:
        return "timeout" if outcome.cause is Cause.TIMEOUT else "connection_error"
    if reply is not None and reply.error is not None and reply.error.type is not None:
        return reply.error.type
    return None


def _limit(reply: Reply | None) -> str | None:
    if reply is None or reply.status != 429:
        return None
    error = reply.error
    return limit_hit(reply.headers, error.code if error else None, error.message if error else None)

"""Carries out one send: from the chosen candidate to its outcome."""

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.ratelimit import limit_hit
from claude_sidecar.policy.routing import Candidate
from claude_sidecar.policy.step import Send
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.receive import new_reply, receive
from claude_sidecar.proxy.reply import Reply
from claude_sidecar.proxy.request_body import SentBody
from claude_sidecar.proxy.request_head import Changes, request_head
from claude_sidecar.schema.endpoint import is_private
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.telemetry.record import AttemptRecord
from claude_sidecar.upstream.failure import ConnectionDied, TimedOut, UpstreamFailure
from claude_sidecar.upstream.out_of_files import OutOfFiles
from claude_sidecar.upstream.transport import Answer, Timers, Transport, UpstreamRequest
from claude_sidecar.wire.account import account_of
from claude_sidecar.wire.model_name import shown_model

_WITHOUT_ANSWER = {Cause.TIMEOUT: "timeout", Cause.CONNECTION_FAILURE: "connection_error"}


class Sender:
    """Makes sends over a transport."""

    def __init__(self, transport: Transport, instance: bytes) -> None:
        """instance: this sidecar's id, by which it knows a call that comes back."""
        self._transport = transport
        self._instance = instance

    async def send(
        self,
        context: CallContext,
        candidate: Candidate,
        credential: bytes | None,
        step: Send,
        *,
        leaves_without_delta: bool,
    ) -> Outcome:
        """Send once and hold the answer until it may be committed.

        credential: the route's own, None forwards the caller's; step: as decided; leaves_without_delta:
        `timeouts.firstDelta` holds, since the call has somewhere else to go.
        Cancelling it cancels the upstream's call at once.
        """
        route = context.snapshot.routes[candidate.route_index]
        attempt = _attempt_record(context, candidate, route)
        context.record.attempts.append(attempt)
        reply: Reply | None = None
        answer: Answer | None = None
        try:
            body = await _body(context, candidate)
            timers = _timers(context, attempt, step, leaves_without_delta=leaves_without_delta)
            request = self._request(context, body, route, credential, attempt, timers, fresh=step.fresh)
            answer = await self._transport.send(request)
            attempt.first_byte_s = answer.first_byte_at
            attempt.status = answer.status
            reply = new_reply(context, candidate, attempt, answer)
            outcome = await receive(context, reply, answer)
        except UpstreamFailure as failure:
            context.last_failure = f"route {route.name} ({route.authority}): {failure}"
            outcome = _failed(failure)
            _let_go(answer, reply)
        except OutOfFiles:
            context.record.attempts.remove(attempt)
            raise
        except BaseException:
            # The caller's side ended it: it has gone, or its body is not what it was taken for.
            attempt.cancelled = True
            _let_go(answer, reply)
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
        body: SentBody,
        route: Route,
        credential: bytes | None,
        attempt: AttemptRecord,
        timers: Timers,
        *,
        fresh: bool,
    ) -> UpstreamRequest:
        trace = None
        if attempt.span_id is not None and context.record.trace_id is not None:
            trace = (context.record.trace_id, attempt.span_id)
        joins = trace is not None and context.record.parent_span_id is not None
        instance = self._instance if is_private(route.host) else None
        changes = Changes(credential, context.streams, body.length, trace, joins, instance)
        return UpstreamRequest(
            route=route,
            head=request_head(context.call, route, changes),
            body=body,
            head_only=context.call.method == "HEAD",
            timers=timers,
            account=account_of(context.call.credentials, credential),
            # A connection that dies while idle is found out by a send, which this call has but one of.
            fresh=fresh or not context.repeatable,
            chunked=body.length is None,
        )


async def _body(context: CallContext, candidate: Candidate) -> SentBody:
    """The call's body, under the route's name for the model."""
    if candidate.model is None or candidate.model == context.body_facts.model:
        return context.body
    return await context.body.renamed(candidate.model)


def _timers(
    context: CallContext, attempt: AttemptRecord, step: Send, *, leaves_without_delta: bool
) -> Timers:
    snapshot = context.snapshot
    soon = context.answers_soon
    bounded = context.call.facts.is_post and context.call.facts.repeatable
    return Timers(
        connect_s=snapshot.timeouts.connect_s,
        first_byte_s=snapshot.timeouts.first_byte_s if soon and step.elsewhere else None,
        idle_s=snapshot.timeouts.idle_s if soon else None,
        deadline_by=context.deadline_s if bounded else None,
        first_delta_by=attempt.started_s + snapshot.timeouts.first_delta_s if leaves_without_delta else None,
    )


def _attempt_record(context: CallContext, candidate: Candidate, route: Route) -> AttemptRecord:
    record = context.record
    span_id = None
    if context.snapshot.telemetry.traces.propagate:
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


def _let_go(answer: Answer | None, reply: Reply | None) -> None:
    if answer is not None:
        answer.discard()
    if reply is not None:
        reply.drop_held()


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
    attempt.partial = reply.is_partial
    attempt.usage = facts.usage
    attempt.response_model = facts.model
    attempt.response_id = facts.message_id
    attempt.stop_reason = facts.stop_reason
    attempt.request_id = reply.request_id


def _error_type(outcome: Outcome, reply: Reply | None) -> str | None:
    if outcome.cause is None:
        return None
    if not outcome.has_answer:
        return _WITHOUT_ANSWER.get(outcome.cause)
    if reply is not None and reply.error is not None and reply.error.type is not None:
        return reply.error.type
    return None


def _limit(reply: Reply | None) -> str | None:
    if reply is None or reply.status != 429:
        return None
    error = reply.error
    return limit_hit(reply.headers, error.code if error else None, error.message if error else None)

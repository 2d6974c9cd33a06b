"""Carries out one send: from the chosen candidate to its outcome."""

from typing import NamedTuple

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import Send
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.request_facts import first_byte_s
from claude_sidecar.policy.routing import Candidate
from claude_sidecar.proxy.attempt import Attempt
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.receive import new_reply, receive
from claude_sidecar.proxy.request_body import SentBody
from claude_sidecar.proxy.request_head import Changes, request_head
from claude_sidecar.schema.endpoint import is_private
from claude_sidecar.upstream.failure import ConnectionDied, TimedOut, UpstreamFailure
from claude_sidecar.upstream.out_of_files import OutOfFiles
from claude_sidecar.upstream.transport import Answer, Timers, Transport, UpstreamRequest
from claude_sidecar.wire.account import account_of


class CredentialSent(NamedTuple):
    """own: the route's, None forwards the caller's; headers: names of those that carry it; alias: its name
    in what we emit."""

    own: bytes | None
    headers: tuple[str, ...]
    alias: str


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
        credential: CredentialSent,
        step: Send,
        *,
        leaves_without_delta: bool,
    ) -> Outcome:
        """Send once and hold the answer until it may be committed.

        step: as decided; leaves_without_delta: `timeouts.firstDelta` holds, since the call has somewhere
        else to go. Cancelling it cancels the upstream's call at once.
        """
        attempt = _begin(context, candidate, credential)
        answer: Answer | None = None
        try:
            body = await _body(context, candidate)
            timers = _timers(context, attempt, step, leaves_without_delta=leaves_without_delta)
            request = self._request(context, body, attempt, credential.own, timers, fresh=step.fresh)
            answer = await self._transport.send(request)
            attempt.first_byte_s = answer.first_byte_at
            attempt.reply = new_reply(context, attempt, answer)
            outcome = await receive(context, attempt.reply, answer)
        except UpstreamFailure as failure:
            context.last_failure = f"route {attempt.route.name} ({attempt.route.authority}): {failure}"
            outcome = _failed(failure)
            _let_go(answer, attempt)
        except OutOfFiles:
            context.attempts.pop()
            raise
        except BaseException:
            # The caller's side ended it: it has gone, or its body is not what it was taken for.
            _let_go(answer, attempt)
            raise
        finally:
            attempt.ended_s = clock.now()
        attempt.judged(outcome)
        return outcome

    def _request(
        self,
        context: CallContext,
        body: SentBody,
        attempt: Attempt,
        own: bytes | None,
        timers: Timers,
        *,
        fresh: bool,
    ) -> UpstreamRequest:
        route, trace = attempt.route, None
        if attempt.span_id is not None and context.trace_id is not None:
            trace = (context.trace_id, attempt.span_id)
        joins = trace is not None and context.parent is not None
        instance = self._instance if is_private(route.host) else None
        changes = Changes(own, context.streams, body.length, trace, joins, instance)
        return UpstreamRequest(
            route=route,
            head=request_head(context.call, route, changes),
            body=body,
            head_only=context.call.method == "HEAD",
            timers=timers,
            account=account_of(context.call.credentials, own),
            # A connection that dies while idle is found out by a send, which this call has but one of.
            fresh=fresh or not context.repeatable,
            chunked=body.length is None,
        )


async def _body(context: CallContext, candidate: Candidate) -> SentBody:
    """The call's body, under the route's name for the model."""
    if candidate.model is None or candidate.model == context.body_facts.model:
        return context.body
    return await context.body.renamed(candidate.model)


def _timers(context: CallContext, attempt: Attempt, step: Send, *, leaves_without_delta: bool) -> Timers:
    snapshot = context.snapshot
    soon = context.facts.answers_soon
    bounded = context.call.facts.is_post and context.call.facts.repeatable
    return Timers(
        connect_s=snapshot.timeouts.connect_s,
        first_byte_s=first_byte_s(snapshot, context.facts, elsewhere=step.elsewhere),
        idle_s=snapshot.timeouts.idle_s if soon else None,
        deadline_by=context.deadline_s if bounded else None,
        first_delta_by=attempt.started_s + snapshot.timeouts.first_delta_s if leaves_without_delta else None,
    )


def _begin(context: CallContext, candidate: Candidate, credential: CredentialSent) -> Attempt:
    span_id = None
    if context.snapshot.telemetry.traces.propagate:
        context.trace_id = context.trace_id or clock.random_hex(32)
        span_id = clock.random_hex(16)
    attempt = Attempt(
        number=len(context.attempts) + 1,
        candidate=candidate,
        route=context.snapshot.routes[candidate.route_index],
        key=credential.alias,
        credentials_sent=credential.headers,
        started_s=clock.now(),
        span_id=span_id,
    )
    context.attempts.append(attempt)
    return attempt


def _let_go(answer: Answer | None, attempt: Attempt) -> None:
    if answer is not None:
        answer.discard()
    if attempt.reply is not None:
        attempt.reply.drop_held()


def _failed(failure: UpstreamFailure) -> Outcome:
    if isinstance(failure, TimedOut):
        return Outcome(Cause.TIMEOUT, our_timeout=True)
    if not isinstance(failure, ConnectionDied):
        return Outcome(Cause.CONNECTION_FAILURE)
    died = failure.reused and failure.before_any_byte
    return Outcome(Cause.CONNECTION_FAILURE, reused_connection_died=died, cut_after_s=failure.silent_s)

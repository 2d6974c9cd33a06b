"""Carries out one attempt: from the chosen candidate to its outcome."""

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import Send
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.request_facts import first_byte_s
from claude_sidecar.policy.routing import Candidate
from claude_sidecar.providers.provider import Outgoing
from claude_sidecar.providers.registry import PROVIDERS
from claude_sidecar.providers.secret import Secret
from claude_sidecar.proxy.attempt import Attempt
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.receive import receive
from claude_sidecar.proxy.request_head import OurLines, request_head
from claude_sidecar.schema.endpoint import is_private
from claude_sidecar.upstream.failure import ConnectionDied, TimedOut, UpstreamFailure
from claude_sidecar.upstream.out_of_files import OutOfFiles
from claude_sidecar.upstream.transport import Timers, Transport, UpstreamRequest, UpstreamResponse
from claude_sidecar.wire.credential import account_of


class AttemptSender:
    """Makes attempts over a transport."""

    def __init__(self, transport: Transport, instance: bytes) -> None:
        """instance: this sidecar's id, by which it knows a call that comes back."""
        self._transport = transport
        self._instance = instance

    async def send(
        self,
        context: CallContext,
        candidate: Candidate,
        secret: Secret | None,
        step: Send,
        *,
        because: str,
        leaves_without_delta: bool,
    ) -> Outcome:
        """Send once and hold the response until it may be committed.

        secret: the route's own, None forwards the caller's; because: what the step's rule says;
        leaves_without_delta: `timeouts.firstDelta` holds. Cancelling it cancels the upstream's call at once.
        """
        route = context.snapshot.routes[candidate.route_index]
        outgoing = Outgoing(context.call, context.body_facts, route, candidate.model, secret)
        attempt = _begin(context, candidate, outgoing, step, because)
        incoming: UpstreamResponse | None = None
        try:
            request = await self._request(
                context, attempt, outgoing, step, leaves_without_delta=leaves_without_delta
            )
            incoming = await self._transport.send(request)
            outcome = await receive(context, attempt, incoming)
        except UpstreamFailure as failure:
            context.last_failure = f"route {route.name} ({route.authority}): {failure}"
            outcome = _failed(failure)
            _let_go(incoming, attempt)
        except OutOfFiles:
            context.attempts.pop()
            raise
        except BaseException:
            # The caller's side ended it: it has gone, or its body is not what it was taken for.
            _let_go(incoming, attempt)
            raise
        finally:
            attempt.ended_s = clock.now()
        attempt.judged(outcome)
        return outcome

    async def _request(
        self,
        context: CallContext,
        attempt: Attempt,
        outgoing: Outgoing,
        step: Send,
        *,
        leaves_without_delta: bool,
    ) -> UpstreamRequest:
        change = attempt.provider.body_change(outgoing)
        body = context.body if change is None else await context.body.changed(change)
        route, trace = attempt.route, None
        if attempt.span_id is not None and context.trace_id is not None:
            trace = (context.trace_id, attempt.span_id)
        joins = trace is not None and context.parent is not None
        instance = self._instance if is_private(route.host) else None
        ours = OurLines(context.streams, body.length, trace, joins, instance)
        changes = attempt.provider.header_changes(outgoing)
        own = None
        if outgoing.secret is not None:
            own, attempt.credentials_sent = outgoing.secret.identity(), changes.credential_headers
        return UpstreamRequest(
            route=route,
            head=request_head(context.call, route.authority, attempt.target, changes, ours),
            body=body,
            head_only=context.call.method == "HEAD",
            timers=_timers(context, attempt, step, leaves_without_delta=leaves_without_delta),
            account=account_of(context.call.credentials, own),
            # A connection that dies while idle is found out by an attempt, which this call has but one of.
            fresh=step.fresh or not context.repeatable,
            chunked=body.length is None,
        )


def _timers(context: CallContext, attempt: Attempt, step: Send, *, leaves_without_delta: bool) -> Timers:
    snapshot = context.snapshot
    soon = context.facts.responds_soon
    bounded = context.call.facts.is_post and context.call.facts.repeatable
    return Timers(
        connect_s=snapshot.timeouts.connect_s,
        first_byte_s=first_byte_s(snapshot, context.facts, elsewhere=step.elsewhere),
        idle_s=snapshot.timeouts.idle_s if soon else None,
        deadline_by=context.deadline_s if bounded else None,
        first_delta_by=attempt.started_s + snapshot.timeouts.first_delta_s if leaves_without_delta else None,
    )


def _begin(
    context: CallContext, candidate: Candidate, outgoing: Outgoing, step: Send, because: str
) -> Attempt:
    span_id = None
    if context.snapshot.telemetry.traces.propagate:
        context.trace_id = context.trace_id or clock.random_hex(32)
        span_id = clock.random_hex(16)
    route, secret = outgoing.route, outgoing.secret
    provider = PROVIDERS[route.provider]
    attempt = Attempt(
        number=len(context.attempts) + 1,
        candidate=candidate,
        route=route,
        provider=provider,
        target=provider.target(outgoing),
        rule=step.why.name,
        because=because,
        key=secret.alias(context.snapshot.telemetry.key_alias) if secret is not None else context.callers_key,
        credentials_sent=tuple([found.header for found in context.call.credentials]),
        started_s=clock.now(),
        span_id=span_id,
    )
    context.attempts.append(attempt)
    return attempt


def _let_go(incoming: UpstreamResponse | None, attempt: Attempt) -> None:
    if incoming is not None:
        incoming.discard()
    if attempt.response is not None:
        attempt.response.drop_held()
        attempt.response.copy.clear()


def _failed(failure: UpstreamFailure) -> Outcome:
    if isinstance(failure, TimedOut):
        return Outcome(Cause.TIMEOUT, our_timeout=True)
    if not isinstance(failure, ConnectionDied):
        return Outcome(Cause.CONNECTION_FAILURE)
    died = failure.reused and failure.before_any_byte
    return Outcome(Cause.CONNECTION_FAILURE, reused_connection_died=died, cut_after_s=failure.silent_s)

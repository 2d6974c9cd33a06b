"""The record of a call, made once, when the call has ended."""

from claude_sidecar import clock
from claude_sidecar.policy.reasons import StopReason
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.telemetry.attempts import OpenedBy
from claude_sidecar.telemetry.record import NO_RESPONSE, NO_ROUTE, CallRecord, RequestRecord, ResponseRecord
from claude_sidecar.wire.model_name import shown_model


def record_of(context: CallContext) -> CallRecord:
    """What happened in a call that ends now."""
    head = context.opener.head if context.opener is not None else None
    response = context.response or head or NO_RESPONSE
    attempts = context.attempts
    # Not always the last: a later route's refusal of our own key gives way to an earlier answer.
    sent = attempts[response.attempt - 1 if response.attempt else -1] if attempts else None
    has_chunk = response.route != NO_ROUTE and (response.status or 500) < 400
    return CallRecord(
        call_id=context.call_id,
        policy=context.snapshot.name,
        policy_hash=context.snapshot.hash,
        started_s=context.started_s,
        ended_s=clock.now(),
        request=_request(context),
        response=response,
        attempts=tuple([attempt.record() for attempt in attempts]),
        waits=tuple(context.waits),
        fallbacks=tuple(context.fallbacks),
        cancelled=context.cancelled,
        key=sent.key if sent is not None else context.callers_key,
        substituted_model=sent.candidate.substitute if sent is not None else None,
        opened_by=OpenedBy(head.route, head.attempt) if head is not None else None,
        retry_outcome=_retry_outcome(context),
        first_chunk_s=context.down.first_chunk_at if has_chunk else None,
        added_s=_added_s(context, response, head),
        trace_id=context.trace_id,
    )


def _request(context: CallContext) -> RequestRecord:
    call, said, parent = context.call, context.body_facts, context.parent
    state = call.index.get(b"tracestate") if parent is not None else None
    feature = call.index.get(context.snapshot.telemetry.feature_header.lower().encode("ascii"))
    return RequestRecord(
        method=context.method,
        path=context.path,
        operation=call.facts.operation,
        model=shown_model(said.model),
        stream=context.streams,
        max_tokens=said.max_tokens,
        body_bytes=context.body_bytes,
        body_kept=context.body_kept,
        sdk_retry_count=call.sdk.retry_count,
        feature=feature.decode("ascii", "replace")[:100] if feature else "",
        parent_span_id=parent.span_id if parent is not None else None,
        parent_sampled=parent is not None and parent.sampled,
        tracestate=state.decode("ascii", "replace") if state is not None else None,
    )


def _retry_outcome(context: CallContext) -> str | None:
    """What came of the call's repeats: `won`, `exhausted`, None without any; `refused`: the budget had no
    turn in time."""
    delivery = context.delivery
    if delivery is None:
        return None
    if delivery.step.reason is StopReason.TURN_TOO_LATE:
        return "refused"
    if len(context.attempts) < 2:
        return None
    return "won" if delivery.step.reason is StopReason.SUCCESS else "exhausted"


def _added_s(context: CallContext, response: ResponseRecord, head: ResponseRecord | None) -> float:
    """The time to the response's first byte, less what the attempt that gave it took to answer."""
    began = context.down.first_byte_at
    if began is None:
        return 0.0
    spent = began - context.started_s
    if context.attempts and response.route != NO_ROUTE:
        answered = context.attempts[(head or response).attempt - 1]
        if answered.first_byte_s is not None:
            spent -= answered.first_byte_s - answered.started_s
    return max(0.0, spent)

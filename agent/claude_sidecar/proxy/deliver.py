"""Hands an upstream's answer to the caller, and judges a stream by its end."""

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.policy.classify import cause_of_error_event
from claude_sidecar.policy.step import Ending
from claude_sidecar.proxy.answer_head import delivered_lines
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.diagnosis import diagnose_reply
from claude_sidecar.proxy.downstream import Downstream
from claude_sidecar.proxy.engine import Delivery
from claude_sidecar.proxy.health import Health
from claude_sidecar.proxy.open_stream import reply_as_event, whose
from claude_sidecar.proxy.relay import relay_rest
from claude_sidecar.proxy.reply import Reply
from claude_sidecar.proxy.sender import note_answer
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.wire.content_coding import decoded
from claude_sidecar.wire.model_list import read_model_list

_LONGEST_LIST_BYTES = 8 << 20


async def deliver(
    down: Downstream, context: CallContext, delivery: Delivery, reply: Reply, health: Health
) -> None:
    """Write head and body of a reply, to its end; the upstream is let go of whatever happens."""
    record = context.record
    whole = reply.rest is None
    try:
        diagnose_reply(context, reply, health)
        context.body.release()  # nothing is sent again from here
        record.retry_outcome = retry_outcome(record, delivery)
        _learn_models(context, reply, health)
        if context.opened and record.cause is not None:
            down.end(reply_as_event(record, reply))
            return
        record.commit_reason = reply.commit_reason if record.cause is None else None
        body = b"".join(reply.prefix)
        reply.drop_held()
        if not whole and reply.events is not None and context.opener is not None:
            # Before anything is written: a ping must not fall into an event of which a piece is on its way.
            context.opener.relay(reply.events)
        if context.opened:
            await down.write_body(whose(record, reply) + body, last=whole)
        else:
            _start(down, context, reply, body, stops=delivery.stops_the_sdk)
        if not whole:
            _note_end(context, reply, await relay_rest(down, reply, record.call_id))
    finally:
        reply.close()
        if not whole:
            note_answer(reply.attempt, reply)
        reply.attempt.ended_s = clock.now()


def _start(down: Downstream, context: CallContext, reply: Reply, body: bytes, *, stops: bool) -> None:
    """Write the head and what has come of the body; stops: the SDK must not repeat the call."""
    bodiless = context.call.method == "HEAD" or reply.status in (204, 304)
    sized = bodiless or (reply.events is None and b"content-length" in reply.index)
    lines = delivered_lines(reply.headers, context.record, sized=sized, stops=stops)
    down.start(reply.status, reply.reason, lines, body, sized=sized, last=reply.rest is None)


def retry_outcome(record: CallRecord, delivery: Delivery) -> str | None:
    """What came of the call's repeats: `won`, `exhausted`, None without any; `refused`: the budget had no
    turn in time."""
    if delivery.step.ending is Ending.TURN_TOO_LATE:
        return "refused"
    if len(record.attempts) < 2:
        return None
    return "won" if delivery.step.ending is Ending.SUCCESS else "exhausted"


def _learn_models(context: CallContext, reply: Reply, health: Health) -> None:
    if context.call.facts.path == "/v1/models" and reply.status == 200 and reply.rest is None:
        body, coding = b"".join(reply.prefix), reply.index.get(b"content-encoding")
        models = read_model_list(decoded(body, coding, _LONGEST_LIST_BYTES) or b"")
        if models:
            health.notes(context.snapshot.routes[reply.candidate.route_index]).models = models


def _note_end(context: CallContext, reply: Reply, broken: str | None) -> None:
    """A stream is judged by its events, not by its status."""
    record = context.record
    view = reply.events
    if broken is not None:
        reply.discard()
        record.interrupted = True
        record.error_type, record.cause = broken, Cause.CONNECTION_FAILURE
        reply.attempt.cause, reply.attempt.error_type = record.cause, "connection_error"
    elif view is not None and view.error is not None:
        reply.discard()
        record.interrupted = True
        record.error_type = reply.attempt.error_type = view.error.type
        record.cause = reply.attempt.cause = cause_of_error_event(
            view.error.type, view.error.code, view.error.message
        )

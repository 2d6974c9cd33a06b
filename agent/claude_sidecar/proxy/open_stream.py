"""What goes into a stream that was opened: the answer that it waited for, or the error that it came to."""

from claude_sidecar.proxy.own_error import Refusal
from claude_sidecar.proxy.reply import Reply
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.wire.content_coding import decoded
from claude_sidecar.wire.error_body import own_error
from claude_sidecar.wire.error_envelope import in_envelope, is_envelope
from claude_sidecar.wire.sse import comment_line, error_event

_LONGEST_BODY_BYTES = 8 << 20


def whose(record: CallRecord, reply: Reply) -> bytes:
    """A line for the human reader where the head belongs to an answer that was given up, else nothing."""
    opened_by = record.opened_by
    if opened_by is not None and record.attempts[opened_by.attempt - 1] is reply.attempt:
        return b""
    return _told(reply.request_id or "-", reply.candidate.route, record)


def reply_as_event(record: CallRecord, reply: Reply) -> bytes:
    """An upstream's error as an event: its envelope word for word, any other body in one."""
    return whose(record, reply) + error_event(_envelope(reply))


def refusal_as_event(record: CallRecord, refusal: Refusal) -> bytes:
    """An error of our own as an event; the hint, which has no header to go in, is a part of what it says."""
    message = refusal.message if record.hint is None else f"{refusal.message}. {record.hint}"
    body = own_error(refusal.error.error_type, message, record.call_id, status=refusal.error.status)
    return _told(record.call_id, record.route, record) + error_event(body)


def _told(request_id: str, route: str, record: CallRecord) -> bytes:
    return comment_line(f"request-id={request_id} route={route} attempts={len(record.attempts)}")


def _envelope(reply: Reply) -> bytes:
    view = reply.events
    if view is not None and view.error is not None:
        body = view.error_data
    else:
        coded, coding = b"".join(reply.prefix), reply.index.get(b"content-encoding")
        body = decoded(coded, coding, _LONGEST_BODY_BYTES) or b""
    if is_envelope(body):
        return body
    return in_envelope(reply.status, reply.reason.decode("ascii", "replace"), body, reply.request_id)

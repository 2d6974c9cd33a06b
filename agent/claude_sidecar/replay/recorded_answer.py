"""A recorded attempt as the answer that it met, with a body made up in the place of one that nobody kept."""

from claude_sidecar.causes import Cause
from claude_sidecar.policy.classify import SPEND_LIMIT_CODES
from claude_sidecar.replay.answer import SILENT, Answer, Piece, broken_after
from claude_sidecar.replay.export_form import AttemptEntry, CallEntry
from claude_sidecar.simulator.answer import event
from claude_sidecar.simulator.deliver import EVENT_STREAM
from claude_sidecar.simulator.errors import compact, envelope, type_for

_MS = 1e-3
_REQUEST_ID = "req_played"
_SPEND_LIMIT = min(SPEND_LIMIT_CODES)
_UNFIT = b"<html></html>"

Lines = list[tuple[bytes, bytes]]


def answer_of(call: CallEntry, attempt: AttemptEntry) -> Answer:
    """What the attempt met; its times count from its own send."""
    if attempt.status is None:
        return _without_status(attempt)
    if attempt.status >= 400:
        return _error(attempt, attempt.status)
    if call.stream and call.operation != "count_tokens":
        return _stream(call, attempt)
    return _body(call, attempt)


def _without_status(attempt: AttemptEntry) -> Answer:
    if attempt.cause == Cause.TIMEOUT:
        return SILENT
    after_s = attempt.cut_after_seconds
    return broken_after(attempt.duration_ms * _MS if after_s is None else after_s)


def _error(attempt: AttemptEntry, status: int) -> Answer:
    code = _SPEND_LIMIT if attempt.cause == Cause.SPEND_LIMIT else None
    data = envelope(attempt.error_type or type_for(status), "", _REQUEST_ID, code)
    lines: Lines = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]
    if attempt.retry_after_s is not None:
        lines.append((b"retry-after", b"%.17g" % attempt.retry_after_s))
    if attempt.should_retry is not None:
        lines.append((b"x-should-retry", b"true" if attempt.should_retry else b"false"))
    return _whole(attempt, status, lines, data)


def _body(call: CallEntry, attempt: AttemptEntry) -> Answer:
    if attempt.cause == Cause.SERVER_ERROR:
        # A status of success and no answer of this API: a web page.
        return _whole(attempt, 200, [(b"content-type", b"text/html")], _UNFIT)
    usage = attempt.usage.as_told(output=True)
    data = compact({"type": "message", "model": attempt.response_model or call.model, "usage": usage})
    lines = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]
    return _whole(attempt, attempt.status or 200, lines, data, dies=attempt.cause is not None)


def _whole(attempt: AttemptEntry, status: int, lines: Lines, data: bytes, *, dies: bool = False) -> Answer:
    head_s, end_s = _times(attempt)
    pieces = () if dies else (Piece(end_s, data, head_s),)
    return Answer(status, lines, head_s, pieces, end_s, dies)


def _stream(call: CallEntry, attempt: AttemptEntry) -> Answer:
    """The first delta comes with the head: when it came was not recorded."""
    head_s, end_s = _times(attempt)
    lines = ((b"content-type", EVENT_STREAM.encode()),)
    broken = attempt.cause is not None
    committed = call.commit_reason is not None and attempt is call.attempts[-1]
    pieces = []
    if not broken or committed:
        pieces.append(Piece(head_s, _begin(call, attempt), head_s))
    if not broken:
        pieces.append(Piece(end_s, _end(attempt), end_s))
    elif attempt.error_type is not None and attempt.error_type.endswith("_error") and _is_event(attempt):
        data = event("error", {"type": "error", "error": {"type": attempt.error_type, "message": ""}})
        pieces.append(Piece(end_s, data, end_s))
        broken = False
    return Answer(200, lines, head_s, tuple(pieces), end_s, broken)


def _is_event(attempt: AttemptEntry) -> bool:
    """Whether the upstream said so in an event; `connection_error` is our word for a stream that broke."""
    return attempt.cause not in (Cause.CONNECTION_FAILURE, Cause.TIMEOUT)


def _begin(call: CallEntry, attempt: AttemptEntry) -> bytes:
    message = {
        "type": "message",
        "model": attempt.response_model or call.model,
        "usage": attempt.usage.as_told(output=False),
    }
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ""}}
    return event("message_start", {"type": "message_start", "message": message}) + event(
        "content_block_delta", delta
    )


def _end(attempt: AttemptEntry) -> bytes:
    last = {
        "type": "message_delta",
        "delta": {},
        "usage": {"output_tokens": attempt.usage.output_tokens or 0},
    }
    return event("message_delta", last) + event("message_stop", {"type": "message_stop"})


def _times(attempt: AttemptEntry) -> tuple[float, float]:
    """When its head came, and its end."""
    end_s = attempt.duration_ms * _MS
    head_s = end_s if attempt.first_byte_ms is None else min(attempt.first_byte_ms * _MS, end_s)
    return head_s, end_s

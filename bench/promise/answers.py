"""The bytes of answers, and when each piece of them is due."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import Enum, auto
from functools import lru_cache

from bench.promise.behaviour import Fault, Form, Ill, Kind, Pace, Wish

MODEL = "claude-sonnet-4-6"
_DELTAS = 4
_PIECES = 3
_MOMENT_S = 0.01
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class After(Enum):
    """What becomes of the connection behind an answer."""

    KEEP = auto()
    CLOSE = auto()
    RESET = auto()


@dataclass(frozen=True, slots=True)
class Script:
    """pieces: seconds since the piece before, and bytes; after: None for nothing more, ever."""

    pieces: tuple[tuple[float, bytes], ...]
    after: After | None = After.KEEP


def good_body(kind: Kind, call: int) -> bytes:
    """What a call that is no stream is to get."""
    return json.dumps(_GOOD[kind] | {"id": f"{kind}_{call}"} if kind in _NAMED else _GOOD[kind]).encode()


@lru_cache(maxsize=256)
def good_events(call: int) -> tuple[bytes, ...]:
    """What a stream is to get, in whole events, pings left out."""
    message = _GOOD[Kind.MESSAGE] | {"id": f"msg_{call}", "content": [], "stop_reason": None}
    deltas = [{"type": "text_delta", "text": f"{number} of call {call} "} for number in range(_DELTAS)]
    return (
        event("message_start", message=message),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(event("content_block_delta", index=0, delta=delta) for delta in deltas),
        event("content_block_stop", index=0),
        event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": 9},
        ),
        event("message_stop"),
    )


def event(name: str, **data: object) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps({'type': name} | data)}\n\n".encode()


def good(kind: Kind, call: int, pace: Pace) -> Script:
    """The answer that a call is to get."""
    if kind is Kind.STREAM:
        return Script(tuple(_stream(call, pace)))
    body = good_body(kind, call)
    size = -(-len(body) // _PIECES)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    pieces[0] = head(200, len(body)) + pieces[0]
    return Script(tuple(_timed(pieces, pace)))


def bad(kind: Kind, call: int, fault: Fault, unix_s: float) -> Script:
    """What a request gets that meets a fault; unix_s: wall time, for dates."""
    match _as_met_by(kind, fault.ill):
        case Ill.HANG:
            return Script((), None)
        case Ill.RESET | Ill.REFUSED:
            return Script(((fault.after_s, b""),), After.RESET)
        case Ill.CLOSE:
            return Script(((fault.after_s, b""),), After.CLOSE)
        case Ill.GARBAGE:
            return Script(((fault.after_s, b"SSH-2.0-OpenSSH_9.6\r\n"),), After.CLOSE)
        case Ill.CUT if kind is Kind.STREAM:
            return _reset_behind(fault.after_s, _STREAM_HEAD + _chunks(good_events(call)[:2]))
        case Ill.CUT:
            body = good_body(kind, call)
            return Script(((fault.after_s, head(200, len(body)) + body[: len(body) // 2]),), After.CLOSE)
        case Ill.CUT_LATE:
            return _reset_behind(fault.after_s, _STREAM_HEAD + _chunks(good_events(call)[:4]))
        case Ill.UNENDED | Ill.UNENDED_LATE as ill:
            come = good_events(call)[: 2 if ill is Ill.UNENDED else 4]
            return Script(((fault.after_s, _STREAM_HEAD + _chunks(come) + _LAST_CHUNK),))
        case Ill.PAGE:
            return web_page(fault.after_s)
        case Ill.EVENT:
            told = event(
                "error", error={"type": "overloaded_error", "message": "Overloaded", "details": None}
            )
            return Script(((fault.after_s, _STREAM_HEAD + _chunks([told]) + _LAST_CHUNK),), After.CLOSE)
    return Script(((fault.after_s, _error(fault, unix_s)),))


def web_page(after_s: float) -> Script:
    """What a captive portal or a misled load balancer says."""
    page = b"<!doctype html><html><body>Welcome</body></html>"
    return Script(((after_s, head(200, len(page), ["content-type: text/html; charset=utf-8"]) + page),))


def _reset_behind(after_s: float, data: bytes) -> Script:
    """A reset takes what is still on its way along, so that it comes a moment later."""
    return Script(((after_s, data), (_MOMENT_S, b"")), After.RESET)


def _as_met_by(kind: Kind, ill: Ill) -> Ill:
    if kind is Kind.STREAM or (ill is Ill.PAGE and kind in (Kind.MESSAGE, Kind.COUNT)):
        return ill
    return {
        Ill.PAGE: Ill.STATUS,
        Ill.CUT_LATE: Ill.CUT,
        Ill.UNENDED: Ill.CUT,
        Ill.UNENDED_LATE: Ill.CUT,
        Ill.EVENT: Ill.STATUS,
    }.get(ill, ill)


def _stream(call: int, pace: Pace) -> list[tuple[float, bytes]]:
    events = good_events(call)
    pieces = [(pace.head_s, _STREAM_HEAD + _chunks(events[:2]))]
    quiet_s = pace.thinking_s
    while pace.ping_s and quiet_s > pace.ping_s:
        pieces.append((pace.ping_s, _chunks([PING])))
        quiet_s -= pace.ping_s
    first, *rest = events[2:]
    pieces.append((quiet_s, _chunks([first])))
    if not pace.gap_s:
        return [*pieces, (0.0, _chunks(rest) + _LAST_CHUNK)]
    pieces += [(pace.gap_s, _chunks([one])) for one in rest]
    return [*pieces, (0.0, _LAST_CHUNK)]


def _timed(pieces: list[bytes], pace: Pace) -> list[tuple[float, bytes]]:
    if not pace.gap_s:
        return [(pace.head_s, b"".join(pieces))]
    return [(pace.gap_s if number else pace.head_s, piece) for number, piece in enumerate(pieces)]


def _error(fault: Fault, unix_s: float) -> bytes:
    if fault.html:
        body, kind = b"<html><body><h1>Bad gateway</h1></body></html>", "text/html"
    else:
        told = {"type": _TYPES.get(fault.status, "api_error"), "message": "as scripted", "details": None}
        body, kind = (
            json.dumps({"type": "error", "error": told, "request_id": "req_1"}).encode(),
            "application/json",
        )
    lines = [f"content-type: {kind}", *_wish_lines(fault.wish, unix_s)]
    if fault.should_retry is not None:
        lines.append(f"x-should-retry: {str(fault.should_retry).lower()}")
    return head(fault.status, len(body), lines) + body


def _wish_lines(wish: Wish | None, unix_s: float) -> list[str]:
    if wish is None:
        return []
    if wish.form is Form.DATE:
        now, then = (datetime.fromtimestamp(at, UTC) for at in (unix_s, unix_s + wish.seconds))
        return [
            f"date: {format_datetime(now, usegmt=True)}",
            f"retry-after: {format_datetime(then, usegmt=True)}",
        ]
    shown = round(wish.seconds * 1000 if wish.form is Form.MILLISECONDS else wish.seconds, 3)
    return [f"{wish.form}: {int(shown) if shown == int(shown) else shown}"]


def head(status: int, size: int, lines: list[str] | None = None) -> bytes:
    """The head of an answer with a body of so many bytes; lines: in place of the JSON content type."""
    told = lines or ["content-type: application/json"]
    reason = "OK" if status == 200 else "Error"
    named = "\r\n".join(
        [f"HTTP/1.1 {status} {reason}", *told, "request-id: req_1", f"content-length: {size}"]
    )
    return named.encode() + b"\r\n\r\n"


def _chunks(events: list[bytes] | tuple[bytes, ...]) -> bytes:
    return b"".join([b"%x\r\n%b\r\n" % (len(one), one) for one in events])


PING = event("ping")
_LAST_CHUNK = b"0\r\n\r\n"
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_1\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_NAMED = frozenset({Kind.MESSAGE, Kind.BATCH, Kind.UPLOAD, Kind.DELETE})
_GOOD: dict[Kind, dict[str, object]] = {
    Kind.MESSAGE: {
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": "Here it is."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 5},
    },
    Kind.COUNT: {"input_tokens": 3},
    Kind.BATCH: {
        "type": "message_batch",
        "processing_status": "in_progress",
        "request_counts": {"processing": 1, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
        "created_at": "2026-01-01T00:00:00Z",
        "expires_at": "2026-01-02T00:00:00Z",
        "results_url": None,
    },
    Kind.UPLOAD: {
        "type": "file",
        "filename": "sea.txt",
        "mime_type": "text/plain",
        "size_bytes": 5,
        "created_at": "2026-01-01T00:00:00Z",
    },
    Kind.DELETE: {"type": "file_deleted"},
    Kind.MODELS: {"data": [], "has_more": False, "first_id": None, "last_id": None},
}

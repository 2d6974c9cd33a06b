"""The error envelope of the Claude API: read leniently, written exactly.

It also reads the shapes that other providers and edges use (docs/claude-api-notes.md, "Errors").
"""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

MAX_BYTES = 262_144
"""A longer body is not looked at: no error body of an API is."""

MAX_MESSAGE_CHARS = 1_000

_LABEL = re.compile(r"[A-Za-z0-9_.:/-]{1,100}")
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error body says; None where it says nothing.

    type: `error.type`, Google's `status`, or AWS's `__type`. code: `error.details.error_code`.
    message is the provider's text, cut to 1,000 characters: it may quote the request, so it is for
    matching and never for logs.
    """

    type: str | None
    message: str | None
    code: str | None
    request_id: str | None


def read_error(body: bytes) -> ErrorBody | None:
    """Reads a decoded (not gzip) body or SSE `data`; None if it is no JSON object that tells of an error."""
    if len(body) > MAX_BYTES or body.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        document: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(document, list):  # Vertex wraps its errors in an array at times.
        document = document[0] if document else None
    return _of_object(document) if isinstance(document, dict) else None


def gateway_error(error_type: str, message: str, request_id: str, *, status: int | None = None) -> bytes:
    """The body of an error that the sidecar makes itself.

    status: told in the body where it has no status line of its own, inside a stream.
    error_type must start with `gateway_`: else ValueError, since callers could not tell ours from
    the provider's.
    """
    if not error_type.startswith("gateway_"):
        raise ValueError(f"a gateway error's type starts with gateway_, not {error_type!r}")
    error: dict[str, object] = {"type": error_type, "message": message}
    if status is not None:
        error["details"] = {"status": status}
    return _ENCODER.encode({"type": "error", "error": error, "request_id": request_id})


def _of_object(document: dict[str, Any]) -> ErrorBody | None:
    request_id = _label(document.get("request_id"))
    error = document.get("error")
    if isinstance(error, dict):
        details = error.get("details")
        code = details.get("error_code") if isinstance(details, dict) else None
        return ErrorBody(
            _label(error.get("type")) or _label(error.get("status")),
            _text(error.get("message")),
            _label(code),
            request_id,
        )
    message = _first_text(document, "message", "Message", "detail", "title") or _text(error)
    aws_type = document.get("__type")
    aws_type = _label(aws_type.rpartition("#")[2]) if isinstance(aws_type, str) else None
    if message is None and aws_type is None:
        return None
    return ErrorBody(aws_type, message, None, request_id)


def _first_text(document: dict[str, Any], *names: str) -> str | None:
    return next((text for name in names if (text := _text(document.get(name))) is not None), None)


def _text(value: object) -> str | None:
    return value[:MAX_MESSAGE_CHARS] if isinstance(value, str) and value else None


def _label(value: object) -> str | None:
    """A short machine word, fit for a span attribute; anything else is not one."""
    return value if isinstance(value, str) and _LABEL.fullmatch(value) else None

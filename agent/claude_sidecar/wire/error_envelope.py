"""An error of any form as the envelope that SDKs read, for where no status line can carry it."""

from typing import Any

import msgspec

from claude_sidecar.wire.error_body import MAX_BYTES, ErrorBody, read_error

_UPSTREAM_BYTES = 4096
_TEXT_CHARS = 300

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    424: "api_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The type that SDKs know each status by (docs/claude-api-notes.md, "Errors"); else by the hundred."""

_ENCODER = msgspec.json.Encoder()


def is_envelope(body: bytes) -> bool:
    """Whether a body is the error envelope of the Claude API."""
    if len(body) > MAX_BYTES:
        return False
    try:
        document: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return False
    error = document.get("error") if isinstance(document, dict) else None
    return (
        isinstance(error, dict)
        and document.get("type") == "error"
        and isinstance(error.get("type"), str)
        and isinstance(error.get("message"), str)
    )


def in_envelope(status: int, reason: str, body: bytes, request_id: str | None) -> bytes:
    """A body of another form in the envelope: its message word for word, itself beside it.

    body: decoded (not gzip). `error.details` tells the status and the first 4,096 bytes of the body; without
    a message of its own the text is its first 300 characters, else the reason phrase.
    """
    said = read_error(body) or ErrorBody(None, None, None, None)
    text = body.decode("utf-8", "replace")
    error = {
        "type": _TYPES.get(status, "invalid_request_error" if 400 <= status < 500 else "api_error"),
        "message": said.message or text[:_TEXT_CHARS].strip() or reason or str(status),
        "details": {"status": status, "upstream": body[:_UPSTREAM_BYTES].decode("utf-8", "replace")},
    }
    return _ENCODER.encode({"type": "error", "error": error, "request_id": said.request_id or request_id})

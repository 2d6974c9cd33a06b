"""W3C Trace Context: the `traceparent` header read and written (version 00)."""

import re
from dataclasses import dataclass

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class TraceParent:
    """The caller's span: ids in hex, whether it is sampled."""

    trace_id: str
    span_id: str
    sampled: bool


def read_traceparent(value: bytes) -> TraceParent | None:
    """Read the header; None where it is invalid, which starts a new trace (W3C section 3.2.4)."""
    match = _TRACEPARENT.fullmatch(value.strip())
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == b"ff" or (version == b"00" and more is not None):
        return None
    if not trace_id.strip(b"0") or not span_id.strip(b"0"):
        return None
    return TraceParent(trace_id.decode(), span_id.decode(), bool(int(flags, 16) & 1))


def write_traceparent(trace_id: str, span_id: str) -> bytes:
    """The header for an attempt; always sampled, since what is exported is decided at the call's end."""
    return f"00-{trace_id}-{span_id}-01".encode()

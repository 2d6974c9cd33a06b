"""The head of an upstream attempt: the caller's lines, with few changes.

Which: docs/responses.md, "What is changed on the way".
"""

from functools import lru_cache

import msgspec

from claude_sidecar.providers.provider import HeaderChanges
from claude_sidecar.wire.call import Call
from claude_sidecar.wire.headers import INSTANCE_HEADER, hop_by_hop, render
from claude_sidecar.wire.trace_context import write_traceparent

_ALWAYS_DROPPED = frozenset({b"expect", b"baggage", b"http2-settings", INSTANCE_HEADER})
"""HTTP2-Settings belongs to an offer of h2c (RFC 7540 section 3.2.1), which ends here whether or not
`Connection` names it."""

_MAY_CHANGE = frozenset({b"host", b"content-length", b"accept-encoding", b"traceparent", b"tracestate"})


class OurLines(msgspec.Struct, frozen=True):
    """What differs from the caller's lines on one attempt, whoever the provider is.

    identity: ask for no content coding; body_bytes: the body's size, None keeps the caller's framing; trace:
    (trace id, span id) of ours, None strips the caller's; tracestate: whether the caller's goes on, which an
    unreadable traceparent forbids; instance: this sidecar's id, None towards public endpoints.
    """

    identity: bool
    body_bytes: int | None
    trace: tuple[str, str] | None
    tracestate: bool
    instance: bytes | None = None


def request_head(call: Call, authority: str, target: str, changes: HeaderChanges, ours: OurLines) -> bytes:
    """The head of one attempt, blank line included.

    authority: the route's host and port; target: path and query; changes: the provider's.
    """
    lines = _callers(call, authority, changes, ours)
    lines += changes.added
    if ours.trace is not None:
        lines.append((b"traceparent", write_traceparent(*ours.trace)))
    if ours.instance is not None:
        lines.append((INSTANCE_HEADER, ours.instance))
    return render(f"{call.method} {target} HTTP/1.1".encode("ascii"), lines)


def _callers(call: Call, authority: str, changes: HeaderChanges, ours: OurLines) -> list[tuple[bytes, bytes]]:
    """The caller's lines that go on, in their order, with what host, framing and coding must be."""
    lines: list[tuple[bytes, bytes]] = []
    length = None if ours.body_bytes is None else b"%d" % ours.body_bytes
    host_seen = length_seen = coding_seen = False
    dropped = _dropped(hop_by_hop(call.lines, call.names), changes.dropped)
    may_change = _MAY_CHANGE | changes.rewritten.keys() if changes.rewritten else _MAY_CHANGE
    for line, lowered in zip(call.lines, call.names, strict=True):
        if lowered in dropped:
            continue
        if lowered not in may_change:
            lines.append(line)
            continue
        name, value = line
        if lowered == b"host":
            host_seen = True
            lines.append((name, authority.encode("idna" if not authority.isascii() else "ascii")))
        elif lowered == b"content-length":
            if length is not None and not length_seen:
                lines.append((name, length))
                length_seen = True
        elif ours.identity and lowered == b"accept-encoding":
            if not coding_seen:
                lines.append((name, b"identity"))
                coding_seen = True
        elif lowered in changes.rewritten:
            kept = changes.rewritten[lowered](value)
            if kept:
                lines.append((name, kept))
        elif lowered != b"traceparent" and (lowered != b"tracestate" or ours.tracestate):
            lines.append(line)
    if not host_seen:
        lines.insert(0, (b"host", authority.encode("ascii")))
    if ours.identity and not coding_seen:
        lines.append((b"accept-encoding", b"identity"))
    if length is None:
        lines.append((b"transfer-encoding", b"chunked"))
    elif not length_seen and (length != b"0" or call.has_body):
        lines.append((b"content-length", length))
    return lines


@lru_cache(maxsize=64)
def _dropped(ending: frozenset[bytes], providers: frozenset[bytes]) -> frozenset[bytes]:
    """All that does not go on; nearly every head has the same lines that end here."""
    return _ALWAYS_DROPPED | ending | providers

"""The head of an upstream send: the caller's lines, with few changes.

Which: docs/errors.md, "What is changed on the way".
"""

import msgspec

from claude_sidecar.proxy.call import Call
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.wire.credential import CREDENTIAL_HEADERS, CredentialKind, kind_of_key
from claude_sidecar.wire.headers import INSTANCE_HEADER, hop_by_hop, render
from claude_sidecar.wire.trace_context import write_traceparent

_CREDENTIALS = frozenset(name.encode() for name in CREDENTIAL_HEADERS)
_ALWAYS_DROPPED = frozenset({b"expect", b"baggage", b"http2-settings", INSTANCE_HEADER})
"""HTTP2-Settings belongs to an offer of h2c (RFC 7540 section 3.2.1), which ends here whether or not
`Connection` names it."""

_MAY_CHANGE = _CREDENTIALS | {
    b"host",
    b"content-length",
    b"anthropic-beta",
    b"accept-encoding",
    b"traceparent",
    b"tracestate",
}
_OAUTH_BETA = b"oauth-2025-04-20"


class Changes(msgspec.Struct, frozen=True):
    """What differs from the caller's lines on one send.

    credential: the route's own, None forwards the caller's; identity: ask for no content coding;
    body_bytes: the body's size, None keeps the caller's framing; trace: (trace id, span id) of ours, None
    strips the caller's; tracestate: whether the caller's goes on, which an unreadable traceparent forbids;
    instance: this sidecar's id, None towards public endpoints.
    """

    credential: bytes | None
    identity: bool
    body_bytes: int | None
    trace: tuple[str, str] | None
    tracestate: bool
    instance: bytes | None = None


def request_head(call: Call, route: Route, changes: Changes) -> bytes:
    """The head of one send to a route, blank line included."""
    lines: list[tuple[bytes, bytes]] = []
    own = changes.credential is not None
    length = None if changes.body_bytes is None else b"%d" % changes.body_bytes
    host_seen = length_seen = coding_seen = False
    ending = hop_by_hop(call.lines, call.names)
    for line, lowered in zip(call.lines, call.names, strict=True):
        if lowered in ending or lowered in _ALWAYS_DROPPED:
            continue
        if lowered not in _MAY_CHANGE:
            lines.append(line)
            continue
        name, value = line
        if lowered == b"host":
            host_seen = True
            lines.append((name, route.authority.encode("idna" if not route.authority.isascii() else "ascii")))
        elif lowered == b"content-length":
            if length is not None and not length_seen:
                lines.append((name, length))
                length_seen = True
        elif lowered in _CREDENTIALS:
            if not own:
                lines.append((name, value))
        elif own and lowered == b"anthropic-beta":
            kept = _without_oauth(value)
            if kept:
                lines.append((name, kept))
        elif changes.identity and lowered == b"accept-encoding":
            if not coding_seen:
                lines.append((name, b"identity"))
                coding_seen = True
        elif lowered == b"traceparent" or (lowered == b"tracestate" and not changes.tracestate):
            continue
        else:
            lines.append((name, value))
    if not host_seen:
        lines.insert(0, (b"host", route.authority.encode("ascii")))
    if changes.identity and not coding_seen:
        lines.append((b"accept-encoding", b"identity"))
    lines += _framing(call, length, length_seen)
    if changes.credential is not None:
        lines += _credential_lines(call, changes.credential)
    if changes.trace is not None:
        lines.append((b"traceparent", write_traceparent(*changes.trace)))
    if changes.instance is not None:
        lines.append((INSTANCE_HEADER, changes.instance))
    start = f"{call.method} {route.base_path}{call.target} HTTP/1.1".encode("ascii")
    return render(start, lines)


def _framing(call: Call, length: bytes | None, length_seen: bool) -> list[tuple[bytes, bytes]]:
    if length is None:
        return [(b"transfer-encoding", b"chunked")]
    if length_seen or (length == b"0" and not call.has_body):
        return []
    return [(b"content-length", length)]


def own_credential_header(call: Call, credential: bytes) -> str:
    """The header for a route's own credential: the one that the caller's SDK uses.

    Newer SDKs send API keys as a bearer, older ones as x-api-key; an OAuth token is always a bearer.
    """
    if kind_of_key(credential) is CredentialKind.OAUTH_TOKEN:
        return "authorization"
    callers = call.credentials
    bearers = all(
        found.header == "authorization" and found.kind is not CredentialKind.OAUTH_TOKEN for found in callers
    )
    return "authorization" if callers and bearers else "x-api-key"


def _credential_lines(call: Call, credential: bytes) -> list[tuple[bytes, bytes]]:
    header = own_credential_header(call, credential)
    if header == "x-api-key":
        return [(b"x-api-key", credential)]
    lines = [(b"authorization", b"Bearer " + credential)]
    if kind_of_key(credential) is CredentialKind.OAUTH_TOKEN:
        lines.append((b"anthropic-beta", _OAUTH_BETA))
    return lines


def _without_oauth(value: bytes) -> bytes:
    """A beta line without OAuth betas; other lines keep their very bytes."""
    if b"oauth" not in value.lower():
        return value
    kept = [beta for beta in value.split(b",") if not beta.strip().lower().startswith(b"oauth")]
    return b",".join(kept).strip()

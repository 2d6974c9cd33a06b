"""The head of a response to the caller: the upstream's lines, and ours.

Which: docs/responses.md, "Added headers".
"""

from claude_sidecar.hints.hint import HEADER_STATUSES
from claude_sidecar.proxy.gateway_errors import Refusal
from claude_sidecar.telemetry.record import NO_ROUTE, ResponseRecord
from claude_sidecar.wire.headers import HeaderLines, end_to_end, lowered_names

_OURS = b"x-claude-sidecar-"
_ROUTE = b"x-claude-sidecar-route"
_ATTEMPTS = b"x-claude-sidecar-attempts"
_CAUSE = b"x-claude-sidecar-cause"
_LIMIT = b"x-claude-sidecar-limit"
_HINT = b"x-claude-sidecar-hint"
_MODEL = b"x-claude-sidecar-model"
_SHOULD_RETRY = b"x-should-retry"
_NOTHING: frozenset[bytes] = frozenset()
_LENGTH = frozenset({b"content-length"})

_REASONS = {
    400: b"Bad Request",
    403: b"Forbidden",
    413: b"Payload Too Large",
    429: b"Too Many Requests",
    500: b"Internal Server Error",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    529: b"Overloaded",
}


def our_lines(
    record: ResponseRecord, attempts: int, substitute: str | None = None, *, hinted: bool = False
) -> list[tuple[bytes, bytes]]:
    """What we say of a response.

    attempts: attempts in the call. substitute: the other model that was asked. hinted: the hint is
    told whatever the status.
    """
    lines = [(_ROUTE, record.route.encode("ascii")), (_ATTEMPTS, b"%d" % attempts)]
    if substitute is not None and record.route != NO_ROUTE:
        lines.append((_MODEL, substitute.encode("ascii", "replace")))
    if record.cause is not None:
        lines.append((_CAUSE, record.cause.value.encode("ascii")))
    if record.limit is not None:
        lines.append((_LIMIT, record.limit.encode("ascii")))
    shown = record.status in HEADER_STATUSES or record.route == NO_ROUTE or hinted
    if record.hint is not None and shown:
        lines.append((_HINT, record.hint.encode("ascii", "replace")))
    return lines


def delivered_lines(
    headers: HeaderLines, ours: HeaderLines, *, sized: bool, stops: bool
) -> list[tuple[bytes, bytes]]:
    """Header lines of an upstream's response that is delivered.

    ours: what we say of it. sized: the upstream's content-length goes on; else the body is framed anew.
    stops: the SDK must not repeat the call; else the upstream's own `x-should-retry`, or none, goes on.
    """
    dropped = _NOTHING if sized else _LENGTH
    lines = [*_upstreams(headers, dropped | {_SHOULD_RETRY} if stops else dropped), *ours]
    if stops:
        lines.append((_SHOULD_RETRY, b"false"))
    return lines


def opening_lines(headers: HeaderLines, ours: HeaderLines) -> list[tuple[bytes, bytes]]:
    """Header lines of a held response that opens the call; ours: what we can say of it by then."""
    return [*_upstreams(headers, _LENGTH), *ours]


def _upstreams(headers: HeaderLines, dropped: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    """The upstream's own lines.

    Where it is another sidecar, ours replace all of its own, also those for which we have nothing to say:
    they tell of its part of the call, and a reader could not know that.
    """
    names = lowered_names(headers)
    if _OURS in b"\n".join(names):
        dropped |= {name for name in names if name.startswith(_OURS)}
    return end_to_end(headers, dropped, names)


def gateway_error_lines(
    refusal: Refusal, ours: HeaderLines, call_id: str, body_bytes: int
) -> list[tuple[bytes, bytes]]:
    """Header lines of an error of our own; ours: those that every response has."""
    lines = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % body_bytes),
        (b"request-id", call_id.encode("ascii")),
        *ours,
    ]
    if refusal.should_retry is None:
        return lines
    if refusal.should_retry:
        return [*lines, (_SHOULD_RETRY, b"true"), (b"retry-after", b"1")]
    return [*lines, (_SHOULD_RETRY, b"false")]


def reason_of(status: int) -> bytes:
    """The reason phrase of a status that is ours, not the upstream's."""
    return _REASONS.get(status, b"Error")

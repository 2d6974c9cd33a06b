"""One line of help for a failed call: ASCII, bounded, no secret, no content."""

from collections.abc import Callable

from claude_sidecar.causes import Cause
from claude_sidecar.hints.authentication import authentication_hint
from claude_sidecar.hints.billing import billing_hint
from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.futile import futile_hint
from claude_sidecar.hints.gateway import other_gateway_hint, own_error_hint
from claude_sidecar.hints.invalid_request import invalid_request_hint
from claude_sidecar.hints.line import one_line
from claude_sidecar.hints.not_found import not_found_hint
from claude_sidecar.hints.permission import permission_hint
from claude_sidecar.hints.rate_limit import rate_limit_hint
from claude_sidecar.hints.server_error import server_error_hint
from claude_sidecar.hints.too_large import too_large_hint

__all__ = ["HEADER_STATUSES", "HintFacts", "hint_for"]

_BY_STATUS: dict[int, Callable[[HintFacts], str]] = {
    400: invalid_request_hint,
    401: authentication_hint,
    402: billing_hint,
    403: permission_hint,
    404: not_found_hint,
    413: too_large_hint,
    429: rate_limit_hint,
    500: server_error_hint,
    529: server_error_hint,
}

HEADER_STATUSES = frozenset(_BY_STATUS)
"""Statuses of answers whose hint goes out as `x-claude-sidecar-hint`; own errors always have it."""

_BY_CAUSE: dict[Cause, int] = {
    Cause.INVALID_REQUEST: 400,
    Cause.AUTHENTICATION: 401,
    Cause.BILLING: 402,
    Cause.PERMISSION: 403,
    Cause.TOO_LARGE: 413,
    Cause.RATE_LIMIT: 429,
    Cause.SPEND_LIMIT: 429,
    Cause.SERVER_ERROR: 500,
    Cause.OVERLOADED: 529,
}
"""As which status an error is explained that came as an event of a 200, or with a status of no rows here."""


def hint_for(facts: HintFacts) -> str | None:
    """What is wrong and what to do, at most 400 characters of one ASCII line; None where nothing can be said.

    Other 5xx get one too, for log and span; only `HEADER_STATUSES` and own errors go into the header.
    """
    if facts.cut_after_s is not None:
        return one_line(futile_hint(facts.cut_after_s))
    explain = _explanation(facts)
    return None if explain is None else one_line(explain(facts))


def _explanation(facts: HintFacts) -> Callable[[HintFacts], str] | None:
    if facts.own:
        return too_large_hint if facts.status == 413 else own_error_hint
    if facts.by_gateway:
        return other_gateway_hint
    if facts.status in _BY_STATUS:
        return _BY_STATUS[facts.status]
    status = _BY_CAUSE.get(facts.cause) if facts.cause is not None else None
    if status is None or not (facts.status < 400 or facts.status >= 500):
        return None
    return _BY_STATUS[status]

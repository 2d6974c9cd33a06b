"""One line of help for a failed call: ASCII, bounded, no secret, no content."""

from collections.abc import Callable

from claude_sidecar.causes import Cause
from claude_sidecar.hints.authentication import authentication_hint
from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.futile import futile_hint
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
    403: permission_hint,
    404: not_found_hint,
    413: too_large_hint,
    429: rate_limit_hint,
}

HEADER_STATUSES = frozenset(_BY_STATUS)
"""Statuses whose hint goes out as `x-claude-sidecar-hint`."""


def hint_for(facts: HintFacts) -> str | None:
    """What is wrong and what to do, at most 400 characters of one ASCII line; None where nothing can be said.

    A server's trouble gets one too, for log and span; only `HEADER_STATUSES` go into the header.
    """
    if facts.cut_after_s is not None:
        return one_line(futile_hint(facts.cut_after_s))
    family = _BY_STATUS.get(facts.status)
    if family is None and not facts.own and facts.cause in (Cause.SERVER_ERROR, Cause.OVERLOADED):
        family = server_error_hint
    return None if family is None else one_line(family(facts))

"""One line of help for a failed call: ASCII, bounded, no secret, no content."""

from collections.abc import Callable
from typing import NamedTuple

from claude_sidecar.causes import Cause
from claude_sidecar.hints.authentication import authentication_hint
from claude_sidecar.hints.billing import billing_hint
from claude_sidecar.hints.blind_repeat import blind_repeat_hint
from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.finding import Finding
from claude_sidecar.hints.futile import futile_hint
from claude_sidecar.hints.gateway import other_gateway_hint, own_error_hint, own_error_section
from claude_sidecar.hints.invalid_request import invalid_request_hint
from claude_sidecar.hints.line import one_line
from claude_sidecar.hints.not_found import not_found_hint
from claude_sidecar.hints.permission import permission_hint
from claude_sidecar.hints.rate_limit import rate_limit_hint
from claude_sidecar.hints.server_error import server_error_hint
from claude_sidecar.hints.too_large import too_large_hint

__all__ = ["HEADER_STATUSES", "Hint", "HintFacts", "hint_for", "named_hint_for"]

_BY_STATUS: dict[int, Callable[[HintFacts], Finding]] = {
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


_ALL_SECTIONS = "errors-status-by-status"
"""Where to read on about a failure that has no explanation here."""


class Hint(NamedTuple):
    """One line of help.

    name: of what it says, such as `429/output-tokens`: a section of docs/errors.md, and the finding there, if
    it has several. text: as it goes out.
    """

    name: str
    text: str


def hint_for(facts: HintFacts) -> str | None:
    """What is wrong and what to do, at most 400 characters of one ASCII line; None where nothing can be said.

    It ends with the section of docs/errors.md to read on in. Other 5xx get one too, for log and span; only
    `HEADER_STATUSES` and own errors go into the header.
    """
    hint = named_hint_for(facts)
    return hint.text if hint is not None else None


def named_hint_for(facts: HintFacts) -> Hint | None:
    """The same with its name."""
    explained = _explained(facts)
    repeated = blind_repeat_hint(facts.blind_repeat) if facts.blind_repeat is not None else ""
    if explained is None:
        return Hint("blind-repeat", one_line("", _ALL_SECTIONS, repeated)) if repeated else None
    finding, section = explained
    name = f"{section}/{finding.kind}" if finding.kind else section
    return Hint(name, one_line(finding.text, section, repeated))


def _explained(facts: HintFacts) -> tuple[Finding, str] | None:
    """The finding, and the section that goes on."""
    if facts.cut_after_s is not None:
        return Finding("cut", futile_hint(facts.cut_after_s)), "silence"
    if facts.own:
        finding = too_large_hint(facts) if facts.status == 413 else own_error_hint(facts)
        return finding, own_error_section(facts)
    if facts.by_gateway:
        return other_gateway_hint(facts), "another-gateways"
    status = _explained_as(facts)
    if status is None:
        return None
    other_5xx = facts.status >= 500 and facts.status not in _BY_STATUS
    return _BY_STATUS[status](facts), "5xx" if other_5xx else str(status)


def _explained_as(facts: HintFacts) -> int | None:
    """The status whose explanation fits: its own, else, for events of a 200 and other 5xx, the cause's."""
    if facts.status in _BY_STATUS:
        return facts.status
    if facts.cause is None or 400 <= facts.status < 500:
        return None
    return _BY_CAUSE.get(facts.cause)

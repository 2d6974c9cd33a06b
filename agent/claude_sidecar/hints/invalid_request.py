"""400: the defect in the request, from its headers and the error's code, its message last.

Versions, codes and wordings: docs/claude-api-notes.md, "Versions and SDK generations" and "Errors".
"""

from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.finding import Finding
from claude_sidecar.hints.middlebox import form_of
from claude_sidecar.hints.wordings import UNKNOWN_WORDING, what_it_says

KNOWN_VERSIONS = frozenset({"2023-01-01", "2023-06-01", "2026-10-21"})

_BY_CODE = {
    "request_body_encoding_unsupported": (
        "The Messages API takes request bodies plain or gzip-coded only: change or drop Content-Encoding."
    ),
    "request_body_encoding_invalid": (
        "The body is not what its Content-Encoding says: a proxy or the client coded it wrongly."
    ),
    "request_body_timeout": (
        "The body came too slowly: look at the network between the app, the sidecar and the API."
    ),
    "tool_name_conflict": "Two tools have the same name: every tool of a request needs its own.",
    "organization_on_hold": (
        "The organisation is on hold: its owner has to settle that in the Console; repeating does not help."
    ),
}


def invalid_request_hint(facts: HintFacts) -> Finding:
    """One defect and its cure; where none is known, that it is not, and where to look."""
    if facts.foreign:
        return Finding(
            "not-the-api",
            f"This 400 has no error body of the Claude API{form_of(facts)}: a proxy or gateway on the way "
            "did not take the request, its head or its framing; look at that one's log.",
        )
    version = facts.version
    if version is None:
        return Finding(
            "no-version",
            "The header anthropic-version did not come and is compulsory: send anthropic-version: "
            "2023-06-01, or 2026-10-21 as the newest SDKs do.",
        )
    if facts.error_code is not None and facts.error_code in _BY_CODE:
        return Finding(facts.error_code.replace("_", "-"), _BY_CODE[facts.error_code])
    if facts.request_has_max_tokens is False and facts.path in ("/v1/messages", "/v1/messages/"):
        return Finding(
            "no-max-tokens", "max_tokens is missing: the Messages API demands it in every request."
        )
    if (spoken := what_it_says(400, facts.message, version)) is not None:
        return spoken
    if version not in KNOWN_VERSIONS:
        return Finding(
            "unknown-version",
            "anthropic-version has a value that is not known: 2023-06-01 and 2026-10-21 are.",
        )
    return Finding(
        "unknown-wording",
        f"The request is refused as it stands, and repeating it will not help; {UNKNOWN_WORDING}, so the "
        "field at fault is not known: error.message names it.",
    )

"""400: the defect in the request, from its headers and the error's code, its message last.

Versions, codes and wordings: docs/claude-api-notes.md, "Versions and SDK generations" and "Errors".
"""

import re
from typing import NamedTuple

from claude_sidecar.hints.facts import HintFacts

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


class _Said(NamedTuple):
    """A wording of the API (lower case) and what it calls for; version: only with this one."""

    pattern: re.Pattern[str]
    advice: str
    version: str | None = None


def _said(pattern: str, advice: str, version: str | None = None) -> _Said:
    return _Said(re.compile(pattern), advice, version)


# Wordings are the last resort: they are the API's to change, and then the hint is merely general.
_BY_MESSAGE = (
    _said(
        r"reached your specified .{0,40}usage limits",
        "A spend limit that you set yourself is reached: raise it in the Console, or wait for its reset; "
        "repeating does not help.",
    ),
    _said(r"credit balance is too low", "The prepaid credit is used up: buy credits in the Console."),
    _said(
        r"roles must alternate|multiple .{0,20}roles in a row|first message must use",
        "Roles must alternate: messages begin with user, then assistant and user in turn; merge neighbours "
        "of one role into one message, and put system text in the system field.",
    ),
    _said(
        r"tool_use.{0,40}ids? (?:was|were) found without|tool_result.{0,80}tool_use",
        "Each tool_use block needs its tool_result, with the same id, in the very next user message, and no "
        "tool_result may stand without one.",
    ),
    _said(
        r"max_tokens.{0,40}(?:>|greater than|exceed)|input length and .?max_tokens",
        "max_tokens does not fit: it must be within the model's maximum output, above "
        "thinking.budget_tokens, "
        "and fit the context window together with the input; lower it.",
    ),
    _said(r"max_tokens.{0,20}(?:required|missing)", "max_tokens is missing: the Messages API demands it."),
    _said(
        r"prompt is too long|context window|too many (?:input )?tokens",
        "The input is over the model's context window: measure with /v1/messages/count_tokens, then trim, "
        "summarise or split it.",
    ),
    _said(
        r"anthropic-beta",
        "A name in anthropic-beta is unknown here: check it for typing errors and age, or drop it.",
    ),
    _said(
        r"\b(?:temperature|top_p|top_k)\b",
        "anthropic-version 2026-10-21 refuses temperature, top_p and top_k: remove them, or keep sending "
        "2023-06-01 with the older SDK line.",
        "2026-10-21",
    ),
    _said(
        r"\bcitations\b|\bdocument\b",
        "anthropic-version 2026-10-21 refuses document blocks in assistant turns and citations on user text "
        "blocks: remove them.",
        "2026-10-21",
    ),
    _said(
        r"\b(?:temperature|top_p)\b",
        "temperature and top_p: give one of them at most, within 0..1; some models and thinking take "
        "neither.",
    ),
    _said(
        r"prefill|must end with a user message",
        "This model takes no prefilled answer: the last message must be the user's.",
    ),
    _said(
        r"non-empty|must have non-empty content|text content blocks",
        "A message or text block is empty: leave it out.",
    ),
    _said(
        r"image.{0,80}(?:exceed|too large|dimension)", "An image is too large: scale it down before sending."
    ),
    _said(
        r"could not process image|media.?type",
        "An image or document is damaged, or its media_type does not name its real format.",
    ),
    _said(
        r"cache_control",
        "cache_control: at most 4 blocks may carry it, none of them empty, longer ttl before shorter.",
    ),
    _said(
        r"thinking.{0,80}(?:block|signature)|signature",
        "Thinking blocks must come back exactly as received, signature included, before the tool_use "
        "they led to.",
    ),
    _said(
        r"extra inputs|not permitted",
        "A field is unknown to this version: see its name in error.message; a beta header may be missing.",
    ),
    _said(
        r"only authorized for use with claude code",
        "This OAuth credential is for Claude Code alone: use an API key for other apps.",
    ),
    _said(
        r"not valid json|json|could not parse",
        "The body is not valid JSON: see what the client or a proxy made of it.",
    ),
)


def invalid_request_hint(facts: HintFacts) -> str:
    """One defect and its cure; where none is known, where to look."""
    if facts.own:
        return (
            "The sidecar refused this before sending anything: it is no HTTP request that can be "
            "forwarded; see error.message."
        )
    version = facts.version
    if version is None:
        return (
            "The header anthropic-version did not come and is compulsory: send anthropic-version: "
            "2023-06-01, or 2026-10-21 as the newest SDKs do."
        )
    if facts.error_code in _BY_CODE:
        return _BY_CODE[facts.error_code]
    if facts.request_has_max_tokens is False and facts.path in ("/v1/messages", "/v1/messages/"):
        return "max_tokens is missing: the Messages API demands it in every request."
    message = facts.message
    for said in _BY_MESSAGE:
        if said.version in (None, version) and said.pattern.search(message):
            return said.advice
    if version not in KNOWN_VERSIONS:
        return "anthropic-version has a value that is not known: 2023-06-01 and 2026-10-21 are."
    return (
        "The request is refused as it stands and repeating it will not help: error.message names the "
        "field at fault."
    )

"""What the API's messages say, where nothing else tells two causes apart: one dated table.

Messages are the API's to change, so they are looked at last, and a hint that rests on one says so. Sources:
docs/claude-api-notes.md, "Errors" and "Rate limits".
"""

import re
from typing import NamedTuple

from claude_sidecar.hints.finding import Finding

WORDINGS_DATE = "2026-11-30"
"""When the wordings were last compared with documentation and public reports."""

UNKNOWN_WORDING = f"its message is none of those known here (list of {WORDINGS_DATE})"
"""What a hint says where no row fits."""


class Wording(NamedTuple):
    """A wording of the API (lower case), and what it says with what to do: a clause behind "that".

    kind: of the finding; version: only with this `anthropic-version`.
    """

    status: int
    kind: str
    pattern: re.Pattern[str]
    says: str
    version: str | None = None


def _row(status: int, kind: str, pattern: str, says: str, version: str | None = None) -> Wording:
    return Wording(status, kind, re.compile(pattern), says, version)


_ROWS = (
    _row(
        400,
        "own-spend-limit",
        r"reached your specified .{0,40}usage limits",
        "a spend limit that you set yourself is reached: raise it in the Console, or wait for its reset; "
        "repeating does not help.",
    ),
    _row(
        400,
        "no-credit",
        r"credit balance is too low",
        "the prepaid credit is used up: buy credits in the Console.",
    ),
    _row(
        400,
        "organization-disabled",
        r"organi[sz]ation has been disabled",
        "the organisation is disabled: its owner has to settle that with the provider; no other request of "
        "it will pass.",
    ),
    _row(
        400,
        "long-context",
        r"long context beta",
        "this account is not entitled to the long context: drop anthropic-beta context-1m (in Claude Code: "
        "choose a model without [1m]), shorten the prompt, or use another key.",
    ),
    _row(
        400,
        "output-schema",
        r"output_(?:format|config)",
        "the schema of the structured output does not fit, not the body's JSON: error.message names the "
        "place; objects need additionalProperties: false.",
    ),
    _row(
        400,
        "tool-schema",
        r"input_schema|json schema",
        "a tool's definition is wrong, not the body's JSON: its input_schema must be a JSON Schema (draft "
        "2020-12) of type object; error.message has the tool's index in tools.",
    ),
    _row(
        400,
        "role-alternation",
        r"roles must alternate|multiple .{0,20}roles in a row|first message must use",
        "roles do not alternate: messages begin with user, then assistant and user in turn; merge neighbours "
        "of one role into one message, and put system text in the system field.",
    ),
    _row(
        400,
        "tool-results",
        r"tool_use.{0,40}ids? (?:was|were) found without|tool_result.{0,80}tool_use",
        "tool_use and tool_result do not match: each tool_use block needs its tool_result, with the same id, "
        "in the very next user message, and no tool_result may stand without one.",
    ),
    _row(
        400,
        "max-tokens",
        r"max_tokens.{0,40}(?:>|greater than|exceed)|input length and .?max_tokens",
        "max_tokens does not fit: it must be within the model's maximum output, above "
        "thinking.budget_tokens, and fit the context window together with the input; lower it.",
    ),
    _row(
        400,
        "no-max-tokens",
        r"max_tokens.{0,20}(?:required|missing)",
        "max_tokens is missing: the Messages API demands it.",
    ),
    _row(
        400,
        "prompt-too-long",
        r"prompt is too long|context window|too many (?:input )?tokens",
        "the input is over the model's context window: measure with /v1/messages/count_tokens, then trim, "
        "summarise or split it.",
    ),
    _row(
        400,
        "beta",
        r"anthropic-beta",
        "a name in anthropic-beta is unknown here: check it for typing errors and age, or drop it.",
    ),
    _row(
        400,
        "version-refuses-sampling",
        r"\b(?:temperature|top_p|top_k)\b",
        "the sampling fields are refused: anthropic-version 2026-10-21 takes no temperature, top_p and "
        "top_k; remove them, or keep sending 2023-06-01 with the older SDK line.",
        "2026-10-21",
    ),
    _row(
        400,
        "version-refuses-block",
        r"\bcitations\b|\bdocument\b",
        "a block is refused: anthropic-version 2026-10-21 takes no document blocks in assistant turns and no "
        "citations on user text blocks; remove them.",
        "2026-10-21",
    ),
    _row(
        400,
        "sampling",
        r"\b(?:temperature|top_p)\b",
        "temperature or top_p does not fit: give one of them at most, within 0..1; some models and thinking "
        "take neither.",
    ),
    _row(
        400,
        "prefill",
        r"prefill|must end with a user message",
        "this model takes no prefilled answer: the last message must be the user's.",
    ),
    _row(
        400,
        "empty-block",
        r"non-empty|must have non-empty content|text content blocks",
        "a message or text block is empty: leave it out.",
    ),
    _row(
        400,
        "image-too-large",
        r"image.{0,80}(?:exceed|too large|dimension)",
        "an image is too large: scale it down before sending.",
    ),
    _row(
        400,
        "media-type",
        r"could not process image|media.?type",
        "an image or document is damaged, or its media_type does not name its real format.",
    ),
    _row(
        400,
        "cache-control",
        r"cache_control",
        "cache_control does not fit: at most 4 blocks may carry it, none of them empty, longer ttl before "
        "shorter.",
    ),
    _row(
        400,
        "thinking-blocks",
        r"thinking.{0,80}(?:block|signature)|signature",
        "thinking blocks were changed: they must come back exactly as received, signature included, before "
        "the tool_use they led to.",
    ),
    _row(
        400,
        "unknown-field",
        r"extra inputs|not permitted",
        "a field is unknown to this version: see its name in error.message; a beta header may be missing.",
    ),
    _row(
        400,
        "tool-field",
        r"\btools\.\d+",
        "a field of a tool is wrong, not the body's JSON: error.message has the tool's index in tools, and "
        "the field.",
    ),
    _row(
        400,
        "claude-code-only",
        r"only authorized for use with claude code",
        "this OAuth credential is for Claude Code alone: use an API key for other apps.",
    ),
    _row(
        400,
        "broken-json",
        r"(?:not|in)[ _]?valid json|json_?invalid|could not parse|pars\w+ .{0,40}json|json .{0,40}pars",
        "the body is not valid JSON: see what the client or a proxy made of it.",
    ),
    _row(
        401,
        "web-pages-disallowed",
        r"cors requests are not allowed",
        "the organisation's settings refuse calls from web pages (CORS): call from a server of yours; the "
        "key is not at fault.",
    ),
    _row(
        401,
        "web-page",
        r"\bcors\b|dangerous-direct-browser-access",
        "the call comes from a browser (CORS) without anthropic-dangerous-direct-browser-access: call from a "
        "server of yours, or set dangerouslyAllowBrowser in the SDK; the key is not at fault.",
    ),
    _row(
        401,
        "token-expired",
        r"token (?:has |is )?(?:expired|been revoked)",
        "the OAuth token has expired or is revoked: log in again or refresh it.",
    ),
    _row(
        403,
        "content-policy",
        r"content policy|usage polic|acceptable use|violat",
        "the content policy refused the request: revise it; repeating it unchanged does not help.",
    ),
    _row(
        403,
        "scope",
        r"\bscopes?\b",
        "the key's scope does not cover this call (model, endpoint or write access): see its scope in the "
        "Console, or log in again for an OAuth token.",
    ),
    _row(
        403,
        "api-disabled",
        r"disabled",
        "API access is disabled for the workspace or organisation: its admin can enable it in the Console.",
    ),
    _row(
        403,
        "place",
        r"request not allowed|country|region|ip address|allowlist",
        "calls from this place are not allowed: the address or country that the call leaves from (an egress "
        "proxy's, say) is refused, or is not on the organisation's list.",
    ),
    _row(
        429,
        "long-context",
        r"extra usage is required",
        "long context needs an entitlement (extra usage) that this key lacks; it is no rate, waiting does "
        "not help: enable it, shorten the prompt (in Claude Code: a model without [1m]), or use another key.",
    ),
    _row(
        429,
        "concurrency",
        r"concurrent (?:requests|connections)",
        "too many calls are open at once (concurrency), which is no limit per minute: have fewer in flight "
        "(limits.maxConcurrent, the app's own pool); batching or a pause alone does not cure it.",
    ),
    _row(
        429,
        "no-share",
        r"\blimit of 0 ",
        "the organisation has no share of this model (a limit of 0): ask for it, or use another model or "
        "key; waiting does not help.",
    ),
    _row(
        429,
        "ramp",
        r"acceleration|increas\w+ (?:too|more) (?:fast|quickly|gradually)",
        "traffic grew too fast (ramp limit), below the nominal limits: raise it step by step.",
    ),
)


def what_it_says(status: int, message: str, version: str | None = None) -> Finding | None:
    """The hint for a message, by the first row that fits; None where none does.

    message: of the error body, in lower case; version: the request's `anthropic-version`.
    """
    for row in _ROWS:
        if row.status == status and row.version in (None, version) and row.pattern.search(message):
            return Finding(row.kind, f"The message says that {row.says}")
    return None

"""docs/hints.md: every row is what the code says, and every case here is a row."""

import re

import pytest
from support.project import ROOT

from claude_sidecar.causes import Cause
from claude_sidecar.hints.hint import HintFacts, hint_for

DOCS = ROOT / "docs" / "hints.md"

KEY = b"sk-ant-api03-QzX9vB7mK2pL5nR8tW4yJ6"
OAUTH = b"sk-ant-oat01-QzX9vB7mK2pL5nR8tW4yJ6"
ADMIN = b"sk-ant-admin01-QzX9vB7mK2pL5nR8tW4yJ6"
OLD = (b"anthropic-version", b"2023-06-01")
NEW = (b"anthropic-version", b"2026-10-21")
LIMIT_AT_ZERO = "anthropic-ratelimit-{}-remaining"


def key(value: bytes, *more: tuple[bytes, bytes], path: str = "/v1/messages") -> HintFacts:
    """A 401 for a credential in x-api-key."""
    lines = [(b"x-api-key", value), OLD, *more]
    sent = ("x-api-key", *(name.decode() for name, _ in more if name == b"authorization"))
    return HintFacts(401, path=path, request_headers=lines, credentials_sent=sent)


def bearer(value: bytes, *more: tuple[bytes, bytes], version: tuple[bytes, bytes] = NEW) -> HintFacts:
    """A 401 for a credential in authorization."""
    lines = [(b"authorization", value), version, *more]
    return HintFacts(401, request_headers=lines, credentials_sent=("authorization",))


def bad(message: str, version: tuple[bytes, bytes] = OLD) -> HintFacts:
    """A 400 with a message of the API."""
    lines = [version]
    return HintFacts(400, error_type="invalid_request_error", error_message=message, request_headers=lines)


def coded(code: str) -> HintFacts:
    """A 400 with an error code."""
    return HintFacts(400, error_type="invalid_request_error", error_code=code, request_headers=[OLD])


def forbidden(message: str, model: str = "claude-opus-4-8") -> HintFacts:
    """A 403 with a message of the API."""
    return HintFacts(403, error_type="permission_error", error_message=message, model=model)


def missing(model: str, *known: str) -> HintFacts:
    """A 404 for a model."""
    return HintFacts(404, error_type="not_found_error", model=model, known_models=known)


def no_path(path: str, error_type: str | None = "not_found_error", code: str | None = None) -> HintFacts:
    """A 404 for a path."""
    return HintFacts(404, error_type=error_type, error_code=code, path=path)


def limited(family: str) -> HintFacts:
    """A 429 with one header family at zero."""
    lines = [(LIMIT_AT_ZERO.format(family).encode(), b"0")]
    return HintFacts(429, error_type="rate_limit_error", response_headers=lines, retry_after_s=12.0)


MIB = 1_048_576
CASES = {
    "401 a good-looking key": key(KEY),
    "401 a good-looking OAuth token": bearer(
        b"Bearer " + OAUTH, (b"anthropic-beta", b"claude-code-20250219,oauth-2025-04-20")
    ),
    "401 quotes": key(b'"' + KEY + b'"'),
    "401 quotes and outer spaces": key(b"' " + KEY + b"'"),
    "401 outer spaces": key(KEY + b" "),
    "401 a space inside": key(KEY[:20] + b" " + KEY[20:]),
    "401 zero-width characters": key(b"\xe2\x80\x8b" + KEY),
    "401 a masked key": key(b"sk-ant-api03-...wAA"),
    "401 Bearer in x-api-key": key(b"Bearer " + KEY),
    "401 Bearer doubled": bearer(b"Bearer Bearer " + KEY),
    "401 bearer in lower case": bearer(b"bearer " + KEY),
    "401 Bearer with a colon": bearer(b"Bearer: " + KEY),
    "401 two spaces after Bearer": bearer(b"Bearer  " + KEY),
    "401 no Bearer": bearer(KEY),
    "401 another scheme": bearer(b"Basic dXNlcjpwYXNz word"),
    "401 an API key as Bearer with the older version": bearer(b"Bearer " + KEY, version=OLD),
    "401 an OAuth token in x-api-key": key(OAUTH),
    "401 an OAuth token without its beta": bearer(b"Bearer " + OAUTH),
    "401 an admin key for /v1/messages": key(ADMIN),
    "401 an API key for /v1/organizations": key(KEY, path="/v1/organizations/me"),
    "401 an empty x-api-key": key(b""),
    "401 Bearer without a key": bearer(b"Bearer"),
    "401 both headers": key(
        KEY, (b"authorization", b"Bearer " + OAUTH), (b"anthropic-beta", b"oauth-2025-04-20")
    ),
    "401 the same header twice": key(KEY, (b"x-api-key", KEY)),
    "401 a wrong prefix": key(b"$ANTHROPIC_API_KEY"),
    "401 the variable's name before the key": key(b"ANTHROPIC_API_KEY=" + KEY),
    "401 the placeholder": key(b"provided-by-claude-sidecar"),
    "401 no credential": HintFacts(401, request_headers=[OLD]),
    "401 the key in another header": HintFacts(401, request_headers=[(b"Api-Key", KEY), OLD]),
    "401 the credential was not sent on": HintFacts(401, request_headers=[(b"x-api-key", KEY), OLD]),
    "401 the route's own credential": HintFacts(
        401, request_headers=[(b"x-api-key", KEY)], credentials_sent=("x-api-key",), route_has_credential=True
    ),
    "400 anthropic-version did not come": HintFacts(400, error_type="invalid_request_error"),
    "400 anthropic-version is not known": bad("bad version", (b"anthropic-version", b"2024-01-01")),
    "400 max_tokens did not come": HintFacts(
        400, error_type="invalid_request_error", request_headers=[OLD], request_has_max_tokens=False
    ),
    "400 max_tokens too large": bad(
        "max_tokens: 300000 > 64000, which is the maximum allowed number of output tokens for claude-x"
    ),
    "400 role alternation": bad(
        'messages: roles must alternate between "user" and "assistant", but found two in a row'
    ),
    "400 tool_use without tool_result": bad(
        "messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_01"
    ),
    "400 the version refuses temperature": bad("temperature: Extra inputs are not permitted", NEW),
    "400 the version refuses documents or citations": bad("messages.1.content.0: document blocks", NEW),
    "400 temperature and top_p": bad("`temperature` and `top_p` cannot both be specified for this model"),
    "400 an answer prefilled": bad("This model does not support assistant message prefill."),
    "400 prompt too long": bad("prompt is too long: 214000 tokens > 200000 maximum"),
    "400 a wrong beta": bad("Unexpected value(s) `x-1` for the `anthropic-beta` header."),
    "400 an empty block": bad("messages: text content blocks must be non-empty"),
    "400 an unknown field": bad("foo: Extra inputs are not permitted"),
    "400 own spend limit": bad(
        "You have reached your specified API usage limits. You will regain access later."
    ),
    "400 no credit": bad("Your credit balance is too low to access the Anthropic API."),
    "400 the organisation is on hold": coded("organization_on_hold"),
    "400 a body coding that is not taken": coded("request_body_encoding_unsupported"),
    "400 not HTTP (own error)": HintFacts(400, error_type="gateway_bad_request"),
    "400 anything else": bad("messages.0: something new"),
    "403 model not entitled": forbidden("your organization does not have access to this model"),
    "403 content policy": forbidden("the request violates our usage policy"),
    "403 API access disabled": forbidden("API access is disabled for this workspace"),
    "403 scope of the key": forbidden("OAuth token does not meet scope requirement user:inference"),
    "403 without a reason": forbidden("forbidden", "claude-haiku-4-5"),
    "403 not from the API": HintFacts(403),
    "404 dots": missing("claude-opus-4.7"),
    "404 date missing": missing("claude-haiku-4-5", "claude-opus-4-8", "claude-haiku-4-5-20251001"),
    "404 wrong date": missing("claude-sonnet-4-5-20250930"),
    "404 a date on a name without one": missing("claude-opus-4-8-20260101"),
    "404 one character off": missing("claude-opuss-4-7"),
    "404 spaces and capitals": missing("Claude Opus 4.7"),
    "404 claude- left out": missing("opus-4-7"),
    "404 number before family": missing("claude-4-7-opus"),
    "404 another provider's name": missing("anthropic.claude-opus-4-7-v1:0"),
    "404 nearest names": missing("claude-sonet-5-5-fast"),
    "404 another workspace's model": missing("claude-opus-4-8"),
    "404 nothing near": missing("gpt-4o"),
    "404 base URL ends in /v1": no_path("/v1/v1/messages"),
    "404 OpenAI's path": no_path("/v1/chat/completions"),
    "404 no /v1": no_path("/messages"),
    "404 an id of another workspace": no_path("/v1/files/file_011"),
    "404 a file that expired": no_path("/v1/messages", code="file_expired"),
    "404 not from the API": no_path("/v1/messages", error_type=None),
    "413 mostly base64": HintFacts(413, body_bytes=34 * MIB, base64_bytes=33 * MIB),
    "413 mostly text": HintFacts(413, body_bytes=34 * MIB, base64_bytes=3 * MIB),
    "413 the sidecar's limit (own error)": HintFacts(
        413, error_type="gateway_request_too_large", body_bytes=34 * MIB, max_body_bytes=32 * MIB
    ),
    "413 a batch": HintFacts(413, path="/v1/messages/batches"),
    "413 after unpacking": HintFacts(413, error_code="request_body_too_large_after_decoding"),
    "429 requests": limited("requests"),
    "429 input tokens": limited("input-tokens"),
    "429 output tokens": limited("output-tokens"),
    "429 spend": HintFacts(429, error_code="enforced_spend_limit_reached"),
    "429 spend, with a wait of days": HintFacts(
        429, error_code="enforced_spend_limit_reached", retry_after_s=403973.0
    ),
    "429 ramp": HintFacts(429, error_code="ramp_limit_exceeded", retry_after_s=3.0),
    "429 long context": HintFacts(429, error_message="Extra usage is required for long context requests."),
    "429 a subscription": HintFacts(
        429, response_headers=[(b"anthropic-ratelimit-unified-status", b"rejected")], retry_after_s=403973.0
    ),
    "429 a wait of days": HintFacts(429, error_type="rate_limit_error", retry_after_s=403973.0),
    "429 no header at zero": HintFacts(429),
    "500 one model": HintFacts(500, Cause.SERVER_ERROR, model="claude-opus-4-8", one_model_only=True),
    "500 the whole route": HintFacts(500, Cause.SERVER_ERROR, one_model_only=False),
    "502 cut at the same age (own error)": HintFacts(502, error_type="gateway_unreachable", cut_after_s=61.2),
    "529 not known how far": HintFacts(529, Cause.OVERLOADED),
}


def rows() -> dict[str, str]:
    """The table of the docs: `status defect` -> hint."""
    found = re.findall(r"^\| (\d{3}) \| (.+?) \| (.+) \|$", DOCS.read_text(encoding="utf-8"), re.M)
    return {f"{status} {defect}": hint.replace("`", "") for status, defect, hint in found}


@pytest.mark.parametrize("case", CASES)
def test_the_docs_show_what_the_code_says(case: str) -> None:
    assert rows().get(case) == hint_for(CASES[case])


def test_the_docs_have_no_row_without_a_case() -> None:
    assert set(rows()) <= set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_a_hint_is_one_ascii_line_of_400_characters_at_most(case: str) -> None:
    hint = hint_for(CASES[case])
    assert hint is not None
    assert len(hint) <= 400
    assert hint.isascii()
    assert hint.isprintable()
    assert not hint.endswith("...")


def test_every_defect_has_its_own_hint() -> None:
    hints = [hint_for(facts) for facts in CASES.values()]
    assert len(set(hints)) == len(hints)

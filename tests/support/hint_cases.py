"""One case a kind of trouble that a hint names: what docs/hints.md shows, and what is tested of it."""

from typing import Any

from claude_sidecar.causes import Cause
from claude_sidecar.hints.hint import HintFacts

KEY = b"sk-ant-api03-QzX9vB7mK2pL5nR8tW4yJ6"
OAUTH = b"sk-ant-oat01-QzX9vB7mK2pL5nR8tW4yJ6"
ADMIN = b"sk-ant-admin01-QzX9vB7mK2pL5nR8tW4yJ6"
OLD = (b"anthropic-version", b"2023-06-01")
NEW = (b"anthropic-version", b"2026-10-21")
MIB = 1_048_576


AUTH = "authentication_error"


def key(value: bytes, *more: tuple[bytes, bytes], path: str = "/v1/messages") -> HintFacts:
    """A 401 for a credential in x-api-key."""
    lines = [(b"x-api-key", value), OLD, *more]
    sent = ("x-api-key", *(name.decode() for name, _ in more if name == b"authorization"))
    return HintFacts(401, error_type=AUTH, path=path, request_headers=lines, credentials_sent=sent)


def bearer(value: bytes, *more: tuple[bytes, bytes], version: tuple[bytes, bytes] = NEW) -> HintFacts:
    """A 401 for a credential in authorization."""
    lines = [(b"authorization", value), version, *more]
    return HintFacts(401, error_type=AUTH, request_headers=lines, credentials_sent=("authorization",))


def refused(message: str, *more: tuple[bytes, bytes]) -> HintFacts:
    """A 401 for a good-looking key, with a message of the API."""
    lines = [(b"x-api-key", KEY), OLD, *more]
    return HintFacts(
        401,
        error_type=AUTH,
        error_message=message,
        request_headers=lines,
        credentials_sent=("x-api-key",),
    )


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


def limited(family: str, prefix: str = "anthropic-ratelimit") -> HintFacts:
    """A 429 with one header family at zero."""
    lines = [(f"{prefix}-{family}-remaining".encode(), b"0")]
    return HintFacts(429, error_type="rate_limit_error", response_headers=lines, retry_after_s=12.0)


def too_many(message: str | None, code: str | None = None, wait_s: float | None = None) -> HintFacts:
    """A 429 without any header that tells of limits."""
    return HintFacts(
        429,
        error_type="rate_limit_error",
        error_code=code,
        error_message=message,
        retry_after_s=wait_s,
    )


def large(mib: float, base64_mib: float = 0, **more: Any) -> HintFacts:
    """A 413 of the API's form."""
    more = {"error_type": "request_too_large"} | more
    return HintFacts(413, body_bytes=int(mib * MIB), base64_bytes=int(base64_mib * MIB), **more)


def failed(status: int = 500, error_type: str | None = "api_error", **more: Any) -> HintFacts:
    """A server's trouble."""
    return HintFacts(status, Cause.SERVER_ERROR, error_type=error_type, **more)


def own(error_type: str, status: int, **more: Any) -> HintFacts:
    """An error of the sidecar's own."""
    return HintFacts(status, error_type=error_type, own=True, **more)


NGINX = b"<html>\r\n<head><title>Error</title></head>\r\n<hr><center>nginx/1.27.0</center>\r\n</html>"
HTML = (b"content-type", b"text/html")


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
    "401 no credential": HintFacts(401, error_type=AUTH, request_headers=[OLD]),
    "401 the key in another header": HintFacts(
        401, error_type=AUTH, request_headers=[(b"Api-Key", KEY), OLD]
    ),
    "401 the credential was not sent on": HintFacts(
        401, error_type=AUTH, request_headers=[(b"x-api-key", KEY), OLD]
    ),
    "401 the route's own credential": HintFacts(
        401,
        error_type=AUTH,
        request_headers=[(b"x-api-key", KEY)],
        credentials_sent=("x-api-key",),
        route_has_credential=True,
    ),
    "401 a web page without the header that it needs": refused(
        "CORS requests must set 'anthropic-dangerous-direct-browser-access' header"
    ),
    "401 a web page, which the organisation does not allow": refused(
        "CORS requests are not allowed for this Organization because of its settings."
    ),
    "401 a web page, and the message speaks of the key": refused(
        "invalid x-api-key", (b"origin", b"https://app.example")
    ),
    "401 an OAuth token that has expired": refused("OAuth token has expired."),
    "401 not from the API": HintFacts(
        401,
        request_headers=[(b"x-api-key", KEY), OLD],
        credentials_sent=("x-api-key",),
        response_headers=[HTML],
    ),
    "402 billing": HintFacts(402, Cause.BILLING, error_type="billing_error"),
    "402 the paying organisation's limit": HintFacts(
        402, Cause.BILLING, "billing_error", "linked_organization_spend_limit_reached"
    ),
    "402 not from the API": HintFacts(402, Cause.BILLING, response_headers=[HTML], page=NGINX),
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
    "400 a tool's schema": bad(
        "tools.12.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12"
    ),
    "400 a structured output's schema": bad("output_config.format.schema: JSON schema is invalid"),
    "400 another field of a tool": bad("tools.3.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"),
    "400 broken JSON": bad("The request body is not valid JSON: unexpected end of data: line 1 column 9"),
    "400 long context without its entitlement": bad(
        "The long context beta is not yet available for this subscription."
    ),
    "400 the organisation is disabled": bad("This organization has been disabled."),
    "400 not from the API": HintFacts(400, request_headers=[OLD], response_headers=[HTML], page=NGINX),
    "400 not HTTP (own error)": own("gateway_bad_request", 400),
    "400 anything else": bad("messages.0: something new"),
    "403 model not entitled": forbidden("your organization does not have access to this model"),
    "403 content policy": forbidden("the request violates our usage policy"),
    "403 API access disabled": forbidden("API access is disabled for this workspace"),
    "403 scope of the key": forbidden("OAuth token does not meet scope requirement user:inference"),
    "403 calls from this place": forbidden("Request not allowed"),
    "403 a web page (own error)": own("gateway_bad_request", 403),
    "403 without a reason": forbidden("forbidden", "claude-haiku-4-5"),
    "403 not from the API": HintFacts(403),
    "404 dots": missing("claude-opus-4.7"),
    "404 date missing": missing("claude-haiku-4-5", "claude-opus-4-8", "claude-haiku-4-5-20251001"),
    "404 wrong date": missing("claude-haiku-4-5-20251011"),
    "404 retired": missing("claude-3-5-sonnet-20241022"),
    "404 retired, by its alias": missing("claude-opus-4-0"),
    "404 retired, without its date": missing("claude-3.7-sonnet"),
    "404 Claude Code's mark": missing("claude-opus-4-8[1m]"),
    "404 a right name, and another message": HintFacts(
        404, error_type="not_found_error", error_message="Not found", model="claude-opus-4-8"
    ),
    "404 a slash at the end": no_path("/v1/messages/"),
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
    "404 another gateway's": no_path("/v1/messages", error_type="gateway_no_route"),
    "413 mostly base64": large(34, 33),
    "413 mostly text": large(34, 3),
    "413 the sidecar's limit (own error)": own(
        "gateway_request_too_large", 413, body_bytes=34 * MIB, max_body_bytes=32 * MIB
    ),
    "413 a batch": HintFacts(413, error_type="request_too_large", path="/v1/messages/batches"),
    "413 after unpacking": HintFacts(
        413, error_type="request_too_large", error_code="request_body_too_large_after_decoding"
    ),
    "413 a body below the API's limit, by nginx": large(
        1.8, error_type=None, response_headers=[HTML], page=NGINX
    ),
    "413 a body below the API's limit, in the API's form": large(21, 20),
    "413 a body above it, from the edge": large(
        34, 33, error_type=None, response_headers=[HTML, (b"server", b"cloudflare")]
    ),
    "429 requests": limited("requests"),
    "429 input tokens": limited("input-tokens"),
    "429 output tokens": limited("output-tokens"),
    "429 fast mode": limited("output-tokens", "anthropic-fast"),
    "429 the message alone": too_many("rate limit exceeded for output_tokens", wait_s=12.0),
    "429 concurrency": too_many("Number of concurrent connections has exceeded your rate limit."),
    "429 no share of the model": too_many("would exceed the limit of 0 input tokens per minute"),
    "429 spend": too_many(None, "enforced_spend_limit_reached"),
    "429 spend, with a wait of days": too_many(None, "enforced_spend_limit_reached", 403973.0),
    "429 ramp": too_many(None, "ramp_limit_exceeded", 3.0),
    "429 long context": too_many("Extra usage is required for long context requests."),
    "429 a subscription": HintFacts(
        429,
        error_type="rate_limit_error",
        response_headers=[(b"anthropic-ratelimit-unified-status", b"rejected")],
        retry_after_s=403973.0,
    ),
    "429 a wait of days": too_many(None, wait_s=403973.0),
    "429 the server's own protection": too_many("Rate limited"),
    "429 the account's, not which": too_many("This request would exceed your account's rate limit."),
    "429 no header, another message": too_many("slow down"),
    "429 headers, none at zero": HintFacts(
        429,
        error_type="rate_limit_error",
        response_headers=[(b"anthropic-ratelimit-requests-remaining", b"17")],
    ),
    "429 not from the API": HintFacts(429, response_headers=[HTML], page=NGINX),
    "500 one model": failed(model="claude-opus-4-8", one_model_only=True),
    "500 the whole route": failed(one_model_only=False),
    "500 one model for over two minutes": failed(
        model="claude-opus-4-8", one_model_only=True, failing_for_s=130.0
    ),
    "500 the whole route for over two minutes": failed(one_model_only=False, failing_for_s=200.0),
    "500 another gateway's": failed(error_type="gateway_internal"),
    "500 a bug (own error)": own("gateway_bug", 500),
    "502 not from the API": failed(502, None, one_model_only=False, response_headers=[HTML], page=NGINX),
    "502 cut at the same age (own error)": own("gateway_unreachable", 502, cut_after_s=61.2),
    "502 no answer (own error)": own("gateway_unreachable", 502),
    "503 Envoy without an upstream": failed(
        503, None, page=b"upstream connect error or disconnect/reset before headers. reset reason: overflow"
    ),
    "503 the organisation's encryption key": failed(503, error_code="cmek_key_unreachable"),
    "503 no route (own error)": own("gateway_no_route", 503),
    "503 no key to send (own error)": own("gateway_credential_missing", 503),
    "503 shutting down (own error)": own("gateway_draining", 503),
    "504 no answer in time (own error)": own("gateway_timeout", 504),
    "529 not known how far": HintFacts(529, Cause.OVERLOADED, error_type="overloaded_error"),
    "529 for over two minutes": HintFacts(
        529, Cause.OVERLOADED, error_type="overloaded_error", one_model_only=False, failing_for_s=180.0
    ),
    "529 the sidecar is full (own error)": own("gateway_busy", 529),
}

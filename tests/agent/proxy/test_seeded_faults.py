"""Faults on real sockets, each named by the hint that the app gets; healthy calls, which get none."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.fakes.raw_client import Lines, request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import answer, error, message_body, stream_answer, stream_events

pytestmark = pytest.mark.looptime

KEY = b"sk-ant-api03-QzX9vB7mK2pL5nR8tW4yJ6"
OAUTH = b"sk-ant-oat01-QzX9vB7mK2pL5nR8tW4yJ6"
OLD = (b"anthropic-version", b"2023-06-01")
NEW = (b"anthropic-version", b"2026-10-21")
PAGE = b"<html><head><title>%d</title></head><hr><center>nginx/1.27.0</center></html>"
MODEL = "claude-opus-4-8"
HINT = "x-claude-sidecar-hint"
Told = Sequence[tuple[str, str]]
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


def said(
    status: int, message: str = "Error", lines: Told = (), code: str | None = None, kind: str | None = None
) -> bytes:
    """An error in the API's form; kind: its type, by default the status's."""
    return error(status, kind or TYPES[status], lines, code=code, message=message)


def page(status: int, lines: Told = ()) -> bytes:
    """An error page of something on the way."""
    return answer(status, PAGE % status, lines, kind="text/html")


@dataclass(frozen=True)
class Fault:
    """What is asked and answered; words: what the hint must hold, all of it; never: what it may not."""

    replies: bytes
    words: Sequence[str]
    never: Sequence[str] = ()
    lines: Lines = ()
    key: bytes | None = KEY
    path: str = "/v1/messages"
    body: dict[str, Any] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)


BAD_KEY = said(401, "invalid x-api-key")
LIMIT = "anthropic-ratelimit-{}-remaining"


def zero(family: str) -> Told:
    return [(LIMIT.format(family), "0"), ("retry-after", "1200")]


FAULTS = {
    # keys
    "a revoked key": Fault(BAD_KEY, ["well formed but refused", "received: x-api-key; sent on: x-api-key"]),
    "a key in quotes": Fault(BAD_KEY, ["has quotes in it"], ["revoked"], key=b'"' + KEY + b'"'),
    "a zero-width character": Fault(BAD_KEY, ["zero-width"], ["revoked"], key=b"\xe2\x80\x8b" + KEY),
    "another provider's key": Fault(BAD_KEY, ["does not begin with sk-ant-"], key=b"sk-proj-abcdef"),
    "an OAuth token as API key": Fault(BAD_KEY, ["OAuth token came as API key"], key=OAUTH),
    "an admin key": Fault(BAD_KEY, ["admin key"], key=b"sk-ant-admin01-abcdefghijk"),
    "a key cut by an ellipsis": Fault(BAD_KEY, ["masked or cut"], key=b"sk-ant-api03-...wAA"),
    # headers
    "no credential": Fault(BAD_KEY, ["No credential came", "received: none"], key=None),
    "a gateway took the key out": Fault(
        BAD_KEY, ["No x-api-key or authorization came, but api-key did"], key=None, lines=[(b"api-key", KEY)]
    ),
    "an API key as Bearer": Fault(
        BAD_KEY, ["belongs in x-api-key"], key=None, lines=[(b"authorization", b"Bearer " + KEY), OLD]
    ),
    "bearer in lower case": Fault(
        BAD_KEY, ["spelt 'Bearer'"], key=None, lines=[(b"authorization", b"bearer " + KEY), NEW]
    ),
    "two spaces after Bearer": Fault(
        BAD_KEY, ["exactly one space"], key=None, lines=[(b"authorization", b"Bearer  " + KEY), NEW]
    ),
    "both headers": Fault(
        BAD_KEY, ["Both x-api-key and authorization"], lines=[(b"authorization", b"Bearer " + KEY), NEW]
    ),
    "a web page without its header": Fault(
        said(401, "CORS requests must set 'anthropic-dangerous-direct-browser-access' header"),
        ["The message says", "browser (CORS)", "key is not at fault"],
        ["revoked"],
        lines=[(b"origin", b"https://app.example"), OLD],
    ),
    "no anthropic-version": Fault(said(400, "anthropic-version: header is required"), ["anthropic-version"]),
    "an unknown beta": Fault(
        said(400, "Unexpected value(s) `x-1` for the `anthropic-beta` header."),
        ["The message says", "anthropic-beta"],
        lines=[OLD],
    ),
    # models
    "dots in the model": Fault(
        said(404, "model: claude-opus-4.7"), ["Use claude-opus-4-7"], body={"model": "claude-opus-4.7"}
    ),
    "a model one character off": Fault(
        said(404, "model: claude-opuss-4-7"), ["one character off"], body={"model": "claude-opuss-4-7"}
    ),
    "a retired model": Fault(
        said(404, "model: claude-sonnet-4-20250514"),
        ["is retired", "2026-06-15", "Use claude-sonnet-4-6"],
        ["misspelt", "character off"],
        body={"model": "claude-sonnet-4-20250514"},
    ),
    "Claude Code's mark": Fault(
        said(404, f"model: {MODEL}[1m]"), ["[1m]", f"Use {MODEL} ("], body={"model": f"{MODEL}[1m]"}
    ),
    "another workspace's model": Fault(said(404, f"model: {MODEL}"), ["right name", "workspace"]),
    "a model not entitled": Fault(
        said(403, "your organization does not have access to this model"),
        ["The message says", "not entitled", "Probe"],
    ),
    "the content policy": Fault(said(403, "violates our content policy"), ["content policy"], ["entitled"]),
    "API access disabled": Fault(said(403, "API access is disabled for this workspace"), ["disabled"]),
    # limits
    "requests used up": Fault(said(429, "limit", zero("requests")), ["(RPM)"], ["ITPM", "OTPM"]),
    "input tokens used up": Fault(said(429, "limit", zero("input-tokens")), ["(ITPM)"], ["RPM"]),
    "output tokens used up": Fault(said(429, "limit", zero("output-tokens")), ["(OTPM)"], ["RPM"]),
    "the tier's spend": Fault(said(429, "", code="enforced_spend_limit_reached"), ["spend limit"], ["RPM"]),
    "a steep rise": Fault(said(429, "", code="ramp_limit_exceeded"), ["ramp limit"]),
    "too many calls at once": Fault(
        said(429, "Number of concurrent connections has exceeded your rate limit."),
        ["The message says", "concurrency"],
        ["RPM", "per minute (RPM)"],
    ),
    "long context not bought": Fault(
        said(429, "Extra usage is required for long context requests."), ["entitlement", "no rate"]
    ),
    "the server's own protection": Fault(said(429, "Rate limited"), ["the server protects itself"], ["RPM"]),
    "a gateway's own limit": Fault(page(429), ["no error body of the Claude API", "nginx"], ["RPM"]),
    "no money": Fault(said(402), ["cannot pay"]),
    # bodies
    "max_tokens left out": Fault(
        said(400), ["max_tokens is missing"], lines=[OLD], body={"max_tokens": None}
    ),
    "roles in a row": Fault(
        said(400, "roles must alternate"), ["The message says", "alternate"], lines=[OLD]
    ),
    "a tool's schema": Fault(
        said(400, "tools.3.custom.input_schema: JSON schema is invalid."),
        ["The message says", "a tool's definition", "input_schema"],
        ["is not valid JSON"],
        lines=[OLD],
    ),
    "broken JSON": Fault(
        said(400, "The request body is not valid JSON"), ["not valid JSON"], ["tool"], lines=[OLD]
    ),
    "a small body, refused on the way": Fault(
        page(413), ["below the API's limit", "nginx", "client_max_body_size"], ["over the API's limit"]
    ),
    "a body over the policy's limit": Fault(
        answer(),
        ["the sidecar's limit of 1 MiB (limits.maxBodyMiB)"],
        body={"system": "x" * 1_100_000},
        spec={"limits": {"maxBodyMiB": 1}},
    ),
    # networks, proxies and policies
    "a firewall's page": Fault(page(403), ["no error body of the Claude API", "nginx"], ["entitled"]),
    "a slash at the end of the path": Fault(
        said(404, "Not found"), ["a slash too many"], ["odel"], path="/v1/messages/"
    ),
    "a base URL that ends in /v1": Fault(said(404, "Not found"), ["/v1 twice"], path="/v1/v1/messages"),
    "OpenAI's path": Fault(said(404, "Not found"), ["OpenAI form"], path="/v1/chat/completions"),
    "a page in the answer's place": Fault(
        answer(b"<html>login</html>", lines=[(b"content-type", b"text/html")]),
        ["error.message names the hop"],
    ),
    "another gateway's own error": Fault(
        said(401, "no such account", kind="gateway_auth"), ["Another gateway"], ["revoked"]
    ),
    "a model that the policy leads nowhere": Fault(
        answer(), ["leads this model nowhere"], body={"model": "claude-other"}
    ),
    # the provider
    "an overload": Fault(said(529), ["overloaded", "not your quota"]),
    "a fault of the API": Fault(said(500), ["it did not cause this"]),
    "a gateway's 500": Fault(page(500), ["no error body of the Claude API", "nginx"]),
}
SERVED = {"a model that the policy leads nowhere": [{"models": [{"name": MODEL}]}]}


def asked(fault: Fault) -> bytes:
    fields = {"model": MODEL} | fault.body
    document = json.loads(message_body()) | fields
    body = json.dumps({name: value for name, value in document.items() if value is not None}).encode()
    return request_bytes(target=fault.path, lines=fault.lines, body=body, key=fault.key)


@pytest.mark.parametrize("name", FAULTS)
async def test_the_hint_names_the_fault(name: str, started) -> None:
    fault = FAULTS[name]
    upstream = ScriptedUpstream(otherwise=fault.replies)
    async with started(upstream, routes=SERVED.get(name), retry={"maxAttempts": 1}, **fault.spec) as bench:
        hint = (await bench.ask(asked(fault))).header(HINT) or ""
        assert [word for word in fault.words if word not in hint] == [], hint
        assert [word for word in fault.never if word in hint] == [], hint
        assert "QzX9" not in hint


def test_there_are_forty_at_least() -> None:
    assert len(FAULTS) >= 40


SDK = ((b"x-stainless-lang", b"python"), (b"x-stainless-timeout", b"NOT_GIVEN"), OLD)
CLAUDE_CODE = (
    (b"authorization", b"Bearer " + OAUTH),
    (b"anthropic-beta", b"claude-code-20250219,oauth-2025-04-20"),
    (b"x-claude-code-session-id", b"0b1f"),
    OLD,
)
NEARLY_SPENT = [(LIMIT.format("requests"), "0"), (LIMIT.format("output-tokens"), "0")]
REFUSAL = json.dumps({"type": "message", "content": [], "stop_reason": "refusal"}).encode()
OK = answer()


@dataclass(frozen=True)
class Healthy:
    """A call that has nothing wrong with it, however odd it looks."""

    replies: bytes = OK
    lines: Lines = (OLD,)
    key: bytes | None = KEY
    path: str = "/v1/messages"
    method: str = "POST"
    body: dict[str, Any] = field(default_factory=dict)


HEALTHY = {
    "the older SDK line": Healthy(lines=SDK),
    "the newer SDK line": Healthy(lines=[(b"authorization", b"Bearer " + KEY), NEW], key=None),
    "Claude Code": Healthy(lines=CLAUDE_CODE, key=None, path="/v1/messages?beta=true"),
    "no key at all, which the upstream lets pass": Healthy(key=None),
    "a gateway's own kind of key": Healthy(key=b"buzz-1234567890"),
    "an odd scheme": Healthy(lines=[(b"authorization", b"bearer  " + KEY), OLD], key=None),
    "both headers, and the upstream does not mind": Healthy(
        lines=[(b"authorization", b"Bearer " + KEY), OLD]
    ),
    "no anthropic-version": Healthy(lines=()),
    "a future anthropic-version": Healthy(lines=[(b"anthropic-version", b"2031-01-01")]),
    "an unknown beta": Healthy(lines=[(b"anthropic-beta", b"new-2030-01-01"), OLD]),
    "a web page with its header": Healthy(
        lines=[
            (b"origin", b"https://app.example"),
            (b"anthropic-dangerous-direct-browser-access", b"true"),
            OLD,
        ]
    ),
    "an unknown model": Healthy(body={"model": "claude-next-9"}),
    "a retired model that still answers": Healthy(body={"model": "claude-3-haiku-20240307"}),
    "Claude Code's mark": Healthy(body={"model": f"{MODEL}[1m]"}),
    "a gateway's name for a model": Healthy(body={"model": "anthropic/claude-opus-4.7"}),
    "no model": Healthy(body={"model": None}),
    "no max_tokens": Healthy(body={"max_tokens": None}),
    "a large max_tokens": Healthy(body={"max_tokens": 10_000_000}),
    "a large body": Healthy(body={"system": "x" * 2_000_000}),
    "a body of base64": Healthy(body={"system": "QUJD" * 100_000}),
    "a tool": Healthy(body={"tools": [{"name": "t", "input_schema": {"type": "object"}}]}),
    "temperature": Healthy(body={"temperature": 0.5}),
    "a prefilled answer": Healthy(body={"messages": [{"role": "assistant", "content": "1"}]}),
    "the last request of the minute": Healthy(answer(lines=NEARLY_SPENT)),
    "a subscription near its end": Healthy(
        answer(lines=[("anthropic-ratelimit-unified-status", "allowed_warning")])
    ),
    "a refusal": Healthy(answer(body=REFUSAL)),
    "an answer that names nginx": Healthy(answer(lines=[("server", "nginx")])),
    "an answer that speaks of errors": Healthy(answer(body=b'{"type":"message","error":null}')),
    "an answer with x-should-retry": Healthy(answer(lines=[("x-should-retry", "false")])),
    "an empty answer": Healthy(answer(body=b"")),
    "a stream": Healthy(stream_answer(stream_events()), body={"stream": True}),
    "a stream that was not asked for": Healthy(stream_answer(stream_events())),
    "a whole answer to a stream": Healthy(body={"stream": True}),
    "count_tokens": Healthy(answer(body=b'{"input_tokens":3}'), path="/v1/messages/count_tokens"),
    "a path with a slash, which the upstream knows": Healthy(path="/v1/messages/"),
    "a path twice": Healthy(path="/v1/v1/messages"),
    "OpenAI's path": Healthy(path="/v1/chat/completions"),
    "a path beyond /v1": Healthy(path="/api/hello", method="HEAD"),
    "a batch": Healthy(path="/v1/messages/batches"),
    "models": Healthy(answer(body=b'{"data":[]}'), path="/v1/models", method="GET"),
    "a page of the upstream's own": Healthy(answer(body=b"<html>", kind="text/html"), path="/", method="GET"),
    "nothing, as it should be": Healthy(answer(204, b""), path="/v1/files/f", method="DELETE"),
    "a redirect": Healthy(answer(307, b"", [("location", "/v1/messages")])),
}


@pytest.mark.parametrize("name", HEALTHY)
async def test_nothing_is_said_of_a_healthy_call(name: str, started) -> None:
    call = HEALTHY[name]
    document = json.loads(message_body()) | {"model": MODEL} | call.body
    body = json.dumps({name: value for name, value in document.items() if value is not None}).encode()
    body = body if call.method == "POST" else b""
    request = request_bytes(call.method, call.path, call.lines, body, key=call.key)
    async with started(ScriptedUpstream(otherwise=call.replies), retry={"maxAttempts": 1}) as bench:
        got = await bench.ask(request, bodiless=call.method == "HEAD")
        assert 200 <= got.status < 400
        assert got.header(HINT) is None


def test_forty_healthy_calls_are_tried_at_least() -> None:
    assert len(HEALTHY) >= 40

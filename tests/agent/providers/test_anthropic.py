"""The Claude API as a provider: what it changes of a request, and what it reads out of a response."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes.outgoing import call_of, outgoing, route_of

from claude_sidecar.causes import Cause
from claude_sidecar.policy.classify import cause_of_status
from claude_sidecar.policy.request_facts import Asked
from claude_sidecar.providers.anthropic import Anthropic
from claude_sidecar.providers.provider import HeaderChanges
from claude_sidecar.providers.secret import ApiKey, Bearer
from claude_sidecar.schema.telemetry import KeyAlias
from claude_sidecar.wire.request_peek import scan
from claude_sidecar.wire.splice import Splicer

API = Anthropic()
KEY = ApiKey("sk-ant-api03-own")
TOKEN = Bearer("sk-ant-oat01-own")


def test_caller_s_credential_leaves_the_header_as_it_is() -> None:
    lines = [(b"x-api-key", b"sk-ant-api03-caller"), (b"anthropic-beta", b"oauth-2025-04-20")]
    assert API.header_changes(outgoing(lines)) == HeaderChanges()


@pytest.mark.parametrize(
    ("callers", "secret", "added"),
    [
        ([(b"x-api-key", b"sk-ant-api03-a")], KEY, [(b"x-api-key", b"sk-ant-api03-own")]),
        (
            [(b"Authorization", b"Bearer sk-ant-api03-a")],
            KEY,
            [(b"authorization", b"Bearer sk-ant-api03-own")],
        ),
        ([(b"Authorization", b"Bearer sk-ant-oat01-a")], KEY, [(b"x-api-key", b"sk-ant-api03-own")]),
        ([], KEY, [(b"x-api-key", b"sk-ant-api03-own")]),
        (
            [(b"x-api-key", b"sk-ant-api03-a")],
            TOKEN,
            [(b"authorization", b"Bearer sk-ant-oat01-own"), (b"anthropic-beta", b"oauth-2025-04-20")],
        ),
    ],
)
def test_own_key_goes_where_the_caller_s_sdk_puts_keys_and_a_token_always_as_bearer(
    callers, secret, added
) -> None:
    changes = API.header_changes(outgoing(callers, secret))
    assert list(changes.added) == added
    assert changes.credential_headers == (added[0][0].decode(),)
    assert changes.dropped == {b"x-api-key", b"authorization"}


@pytest.mark.parametrize(
    ("beta", "kept"),
    [
        (b"oauth-2025-04-20", b""),
        (b"one-2026,oauth-2025-04-20,two-2026", b"one-2026,two-2026"),
        (b"three-2026, four-2026", b"three-2026, four-2026"),
    ],
)
def test_own_credential_takes_the_betas_of_a_token_away(beta: bytes, kept: bytes) -> None:
    rewrite = API.header_changes(outgoing(secret=KEY)).rewritten[b"anthropic-beta"]
    assert rewrite(beta) == kept


def test_path_and_query_stand_behind_the_endpoint_s_own_path() -> None:
    assert API.target(outgoing(target="/v1/messages?beta=true", base_path="/claude")) == (
        "/claude/v1/messages?beta=true"
    )


def test_text_of_a_credential_is_a_token_or_a_key_by_its_form() -> None:
    assert API.secret("sk-ant-oat01-x") == Bearer("sk-ant-oat01-x")
    assert API.secret("sk-ant-api03-x") == ApiKey("sk-ant-api03-x")
    assert API.secret("of-a-gateway") == ApiKey("of-a-gateway")


@pytest.mark.parametrize("secret", [KEY, TOKEN])
def test_no_secret_prints_itself(secret: ApiKey | Bearer) -> None:
    changes = API.header_changes(outgoing(secret=secret))
    assert secret.value in str(changes.added)
    for shown in (secret, changes, outgoing(secret=secret)):
        assert secret.value not in repr(shown)


def test_alias_of_a_key_is_its_fingerprint_and_a_token_has_none_of_its_own() -> None:
    assert KEY.alias(KeyAlias.FINGERPRINT) == KEY.fingerprint
    assert TOKEN.alias(KeyAlias.FINGERPRINT) == "oauth"
    assert {KEY.alias(KeyAlias.HIDDEN), TOKEN.alias(KeyAlias.HIDDEN)} == {"hidden"}


@pytest.mark.parametrize("operation", ["chat", "text_completion", "count_tokens", None])
def test_it_serves_all_that_apps_ask_for(operation: str | None) -> None:
    assert API.serves(Asked("claude-opus-4-8", operation))


@pytest.mark.parametrize("model", ["claude-opus-4-8", None])
def test_body_stays_where_the_route_has_no_other_name_for_the_model(model: str | None) -> None:
    assert API.body_change(outgoing(model=model)) is None


@given(
    before=st.dictionaries(st.sampled_from(["a", "max_tokens", "stream"]), st.integers() | st.text()),
    model=st.text(max_size=40),
    after=st.dictionaries(st.sampled_from(["z", "metadata", "messages"]), st.text() | st.none()),
)
def test_other_name_stands_in_its_place_and_every_other_byte_stays(before, model, after) -> None:
    def body(name: str) -> bytes:
        return json.dumps(before | {"model": name} | after).encode()

    change = API.body_change(outgoing(model=model))
    assert change is not None or model == "claude-opus-4-8"
    if change is not None:
        plain = body("claude-opus-4-8")
        (edit,) = edits = change.edits(scan(plain).members)
        changed = b"".join(bytes(part) for part in Splicer(edits).feed(plain))
        assert json.loads(changed) == json.loads(body(model))
        assert (
            changed
            == plain[: edit.start] + json.dumps(model, ensure_ascii=False).encode() + plain[edit.end :]
        )


def test_changes_to_the_same_name_are_one_change() -> None:
    first, second = (API.body_change(outgoing(model="up-id")) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)


@pytest.mark.parametrize(
    ("kind", "is_stream"),
    [
        (b"text/event-stream", True),
        (b"Text/Event-Stream; charset=utf-8", True),
        (b"application/json", False),
        (b"", False),
    ],
)
def test_stream_is_told_by_its_content_type(kind: bytes, is_stream: bool) -> None:
    assert (API.framer({b"content-type": kind}) is not None) is is_stream
    assert API.framer({}) is None


def test_each_stream_has_a_framer_of_its_own() -> None:
    index = {b"content-type": b"text/event-stream"}
    assert API.framer(index) is not API.framer(index)


def test_response_header_stays_as_it_came() -> None:
    lines = [(b"X-Any", b"1")]
    assert API.response_lines(lines) is lines


@given(status=st.integers(400, 599), body=st.binary(max_size=40))
def test_failure_of_any_status_and_body_has_the_cause_of_its_status(status: int, body: bytes) -> None:
    failure = API.failure(status, [], body)
    assert (failure.status, failure.cause) == (status, cause_of_status(status))
    assert (failure.limit is not None) is (status == 429)


def test_failure_has_what_its_body_says() -> None:
    error = {
        "type": "rate_limit_error",
        "message": "spend",
        "details": {"error_code": "spend_limit_exceeded_workspace"},
    }
    body = json.dumps({"type": "error", "error": error}).encode()
    failure = API.failure(429, [], body)
    assert failure.error is not None
    assert (failure.error.type, failure.error.message) == ("rate_limit_error", "spend")
    assert failure.error.code == "spend_limit_exceeded_workspace"


@pytest.mark.parametrize(
    ("method", "path", "status", "rewrites"),
    [
        ("GET", "/v1/messages/batches", 200, True),
        ("GET", "/v1/messages/batches/b_1", 200, True),
        ("POST", "/v1/messages/batches/b_1/cancel", 200, True),
        ("GET", "/v1/messages/batches/b_1/results", 200, False),
        ("GET", "/v1/messages/batches/b_1", 404, False),
        ("POST", "/v1/messages", 200, False),
    ],
)
def test_batch_objects_alone_are_rewritten(method: str, path: str, status: int, rewrites: bool) -> None:
    call = call_of(method, path, [(b"host", b"localhost:8787")])
    assert (API.rewriting(call, route_of(), status) is not None) is rewrites


def test_caller_that_names_no_host_gets_batch_objects_as_they_are() -> None:
    assert API.rewriting(call_of("GET", "/v1/messages/batches/b_1"), route_of(), 200) is None


def test_results_url_behind_the_endpoint_s_own_path_leads_back_to_the_caller_s_host() -> None:
    call = call_of("GET", "/v1/messages/batches/b_1", [(b"host", b"localhost:8787")])
    rewriting = API.rewriting(call, route_of("/claude"), 200)
    assert rewriting is not None
    body = b'{"results_url": "https://api.example.com/claude/v1/x", "other": "https://api.example.com"}'
    changed = rewriting.rewritten([(b"Content-Length", b"%d" % len(body))], body)
    assert changed is not None
    lines, text = changed
    assert text == b'{"results_url": "http://localhost:8787/v1/x", "other": "https://api.example.com"}'
    assert lines == [(b"Content-Length", b"%d" % len(text))]


def test_limits_and_hints_are_read_out_of_its_own_headers() -> None:
    lines = [(b"anthropic-ratelimit-requests-remaining", b"7"), (b"retry-after", b"3")]
    assert API.names_limits(dict(lines))
    assert not API.names_limits({b"retry-after": b"3"})
    requests = API.limits(lines, 0.0).requests
    assert requests is not None
    assert requests.remaining == 7
    assert API.retry_hints(429, lines, 0.0).retry_after_s == 3
    assert API.failure(429, [(b"anthropic-ratelimit-requests-remaining", b"0")], b"").limit == "requests"
    assert API.failure(529, [], b"").cause is Cause.OVERLOADED

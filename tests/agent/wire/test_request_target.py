"""What may be sent again, and what lives in one account, by method and path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.wire.request_peek import read_target


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/v1/messages", "chat"),
        ("/v1/complete", "text_completion"),
        ("/v1/messages/count_tokens", "count_tokens"),
    ],
)
@pytest.mark.parametrize("query", ["", "?", "?beta=true", "?a=/v1/files?b"])
def test_what_repeats_inference_on_any_account(path: str, operation: str, query: str) -> None:
    facts = read_target("POST", path + query)
    assert (facts.path, facts.repeatable, facts.one_account) == (path, True, False)
    assert (facts.operation, facts.is_post) == (operation, True)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/models?limit=1000", "/v1/models/claude-sonnet-4-6"])
def test_what_repeats_reading_models_on_any_account(method: str, path: str) -> None:
    facts = read_target(method, path)
    assert (facts.repeatable, facts.one_account, facts.operation, facts.is_post) == (True, False, None, False)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/f/content",
        "/v1/messages/batches/b/results",
        "/api/hello",
        "/",
        "/v1/modelsx",
        "/v1/messages",
    ],
)
def test_what_repeats_other_reading_on_the_first_account(method: str, path: str) -> None:
    facts = read_target(method, path)
    assert (facts.repeatable, facts.one_account) == (True, True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/files"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/messages/"),
        ("POST", "/v1/messages/batches/b/cancel"),
        ("POST", "/v1/oauth/token"),
        ("POST", "/v1/models"),
        ("POST", "/v1/unheard/of"),
        ("DELETE", "/v1/files/f"),
        ("PUT", "/v1/messages"),
        ("PATCH", "/v1/messages"),
        ("OPTIONS", "/v1/messages"),
        ("post", "/v1/messages"),
    ],
)
def test_what_repeats_nothing_else(method: str, path: str) -> None:
    facts = read_target(method, path)
    assert (facts.repeatable, facts.one_account, facts.operation) == (False, True, None)


@given(st.text(max_size=10), st.text(max_size=40))
def test_any_method_and_target_are_read(method: str, target: str) -> None:
    facts = read_target(method, target)
    assert "?" not in facts.path
    assert not facts.operation or facts.repeatable

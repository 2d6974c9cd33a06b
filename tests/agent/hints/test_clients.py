"""The client that repeats is known by its `User-Agent`, and the hint names its own setting."""

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.hints.clients import CLIENT_NAMES, client_named, client_of
from claude_sidecar.hints.hint import HintFacts, hint_for

# As the packages send it; their versions: docs of `CLIENTS_DATE`.
USER_AGENTS = [
    (b"ai/7.0.173 ai-sdk/anthropic/4.0.1 ai-sdk/provider-utils/5.0.2 runtime/node.js/22", "vercel-ai"),
    (b"ai-sdk/anthropic/3.0.140 ai-sdk/provider-utils/4.0.40 runtime/node.js/24", "vercel-ai"),
    (b"DSPy/3.4.1", "dspy"),
    (b"litellm/1.110.2", "litellm"),
    (b"llama-index/0.14.8", "llama-index"),
    (b"langchain-anthropic/1.7.10", "langchain-python"),
    (b"claude-cli/2.4.1 (external, cli)", "claude-code"),
    (b"AsyncOpenAI/Python 2.9.0", "openai-sdk"),
    (b"OpenAI/JS 6.1.0", "openai-sdk"),
    (b"Anthropic/JS 1.12.0", "anthropic-sdk-js"),
    (b"AnthropicBedrock/JS 1.2.0", "anthropic-sdk-js"),
    (b"Anthropic/Python 2.12.0", "anthropic-sdk"),
    (b"AsyncAnthropic/Python 0.75.0", "anthropic-sdk"),
    (b"Anthropic/Go 1.60.0", "anthropic-sdk"),
    (b"curl/8.5.0", "other"),
    (b"mail/7.0", "other"),
    (b"", "other"),
    (None, "other"),
    (b"\xff" * 100_000, "other"),
]


@pytest.mark.parametrize(("user_agent", "name"), USER_AGENTS)
def test_client_is_known_by_its_user_agent(user_agent: bytes | None, name: str) -> None:
    assert client_of(user_agent).name == name


def test_every_client_of_the_table_is_among_these() -> None:
    assert {name for _, name in USER_AGENTS} == set(CLIENT_NAMES)


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("vercel-ai", "maxRetries: 0"),
        ("dspy", "num_retries=0"),
        ("litellm", "num_retries=0"),
        ("llama-index", "max_retries=0"),
        ("langchain-python", "with_retry()"),
        ("claude-code", "CLAUDE_CODE_MAX_RETRIES"),
        ("anthropic-sdk-js", "maxRetries: 0"),
    ],
)
def test_hint_names_the_clients_own_setting(name: str, setting: str) -> None:
    hint = hint_for(HintFacts(529, error_type="overloaded_error", blind_repeat=client_named(name)))
    assert hint is not None
    assert setting in hint
    assert hint.startswith("The provider is overloaded")


def test_repeat_that_the_sdk_counts_is_the_sdks_own() -> None:
    client = client_of(b"Anthropic/Python 0.1.0", counted=True)
    assert client.name == "anthropic-sdk"
    assert "its SDK counts this repeat" in client.stop


@pytest.mark.parametrize("name", CLIENT_NAMES)
def test_what_to_set_is_kept_where_the_other_hint_is_long(name: str) -> None:
    keys = [(b"x-api-key", b'"\xe2\x80\x8bsk-ant-api03- x" '), (b"authorization", b"bearer: y")]
    plain = hint_for(HintFacts(401, error_type="authentication_error", request_headers=keys))
    hint = hint_for(
        HintFacts(
            401, error_type="authentication_error", request_headers=keys, blind_repeat=client_named(name)
        )
    )
    assert plain is not None
    assert hint is not None
    assert client_named(name).stop in hint
    assert len(plain) > 250
    assert hint[:100] == plain[:100]
    assert len(hint) <= 400
    assert hint.isascii()


def test_status_without_a_hint_of_its_own_gets_one_for_a_blind_repeat() -> None:
    timeout = HintFacts(408, Cause.TIMEOUT, blind_repeat=client_named("dspy"))
    assert hint_for(HintFacts(408, Cause.TIMEOUT)) is None
    assert (hint_for(timeout) or "").startswith("Sent again although told")

"""Tokens on spans: a store that sums an attribute over a trace counts each token once."""

from collections import Counter

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.schema.telemetry import UsageNames
from claude_sidecar.wire.response_metadata import TokenUsage

GEN_AI, OWN, OF_ATTEMPTS = "gen_ai.usage.", "claude_sidecar.usage.", "claude_sidecar.attempt.usage."
PARENT = {"trace_id": "ab" * 16, "parent_span_id": "cd" * 8}
USAGE = {"input_tokens": 117, "output_tokens": 20, "cache_read.input_tokens": 100,
         "cache_creation.input_tokens": 7}  # fmt: skip


def tokens(span, prefix):
    """A span's tokens under a prefix, which is taken off."""
    return {
        name.removeprefix(prefix): value for name, value in span.attributes.items() if name.startswith(prefix)
    }


def all_tokens(spans):
    return sum((Counter(tokens(span, prefix)) for span in spans for prefix in (GEN_AI, OWN)), Counter())


@pytest.mark.parametrize(
    ("usage", "parent", "under"),
    [
        (UsageNames.AUTO, {}, GEN_AI),
        (UsageNames.AUTO, PARENT, OWN),
        (UsageNames.AUTO, PARENT | {"parent_sampled": True}, OWN),
        (UsageNames.ALWAYS, {}, GEN_AI),
        (UsageNames.ALWAYS, PARENT, GEN_AI),
        (UsageNames.NEVER, {}, OWN),
        (UsageNames.NEVER, PARENT, OWN),
    ],
)
def test_tokens_stand_once_under_the_names_that_the_policy_asks_for(make, tree, usage, parent, under) -> None:
    spans = tree(make.call(**parent), usage)
    assert tokens(spans[1], under) == USAGE
    assert all_tokens(spans) == Counter(USAGE)


@pytest.mark.parametrize("usage", list(UsageNames))
def test_tokens_of_a_discarded_attempt_are_its_own_spans(make, tree, usage) -> None:
    partial = make.refused(200, Cause.OVERLOADED, "overloaded_error", usage=TokenUsage(input_tokens=10))
    spans = tree(make.call(attempts=[partial, make.attempt()], attempt=2), usage)
    assert [tokens(span, OF_ATTEMPTS) for span in spans[2:]] == [{"input_tokens": 10}, USAGE]
    assert all_tokens(spans) == Counter(USAGE)


def test_partial_usage_is_told_as_seen_and_never_invented(make, tree) -> None:
    sent = make.attempt(usage=TokenUsage(input_tokens=10))
    _, chat, _ = tree(make.call(attempts=[sent]))
    assert tokens(chat, GEN_AI) == {"input_tokens": 10}


@pytest.mark.parametrize("usage", list(UsageNames))
def test_counting_tokens_is_no_usage(make, tree, usage) -> None:
    record = make.call(operation="count_tokens", path="/v1/messages/count_tokens", stream=False)
    server, count, post = tree(record, usage)
    assert server.name == "POST /v1/messages/count_tokens"
    assert count.name == f"count_tokens {make.model}"
    assert not [name for span in (server, count, post) for name in span.attributes if ".usage." in name]

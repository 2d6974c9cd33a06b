"""Tokens on spans: a store that sums an attribute over a trace counts each token once."""

from collections import Counter
from decimal import Decimal

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


def test_parts_that_have_no_name_in_the_conventions_have_ours_beside_them(make, tree) -> None:
    usage = TokenUsage(10, 20, 100, 7, 5, thinking_tokens=12, web_search_requests=2, web_fetch_requests=3)
    parts = {
        "cache_creation_1h.input_tokens": 5,
        "web_search.requests": 2,
        "web_fetch.requests": 3,
    }
    for asked, under in ((UsageNames.ALWAYS, GEN_AI), (UsageNames.NEVER, OWN)):
        _, chat, post = tree(make.call(attempts=[make.attempt(usage=usage)]), asked)
        whole = USAGE | {"reasoning.output_tokens": 12}
        assert tokens(chat, GEN_AI) | tokens(chat, OWN) == whole | parts
        assert tokens(chat, under).items() >= whole.items()
        assert tokens(post, OF_ATTEMPTS) == whole | parts


def test_what_a_call_cost_stands_once_in_its_trace(make, tree) -> None:
    cut = make.refused(
        200,
        Cause.OVERLOADED,
        "overloaded_error",
        usage=TokenUsage(10, cache_read_input_tokens=5),
        cost_usd=Decimal("0.00003"),
        unpriced=("cache_read",),
    )
    refused = make.refused(529, Cause.OVERLOADED, "overloaded_error")
    spans = tree(make.call(attempts=[cut, refused, make.attempt()], attempt=3))
    costs = [span.attributes.get("claude_sidecar.cost_usd") for span in spans]
    assert costs == [None, 0.00041625, None, None, None]
    assert spans[1].attributes["claude_sidecar.unpriced"] == ("cache_read",)
    of_attempts = [span.attributes.get("claude_sidecar.attempt.cost_usd") for span in spans]
    assert of_attempts == [None, None, 0.00003, None, 0.00038625]

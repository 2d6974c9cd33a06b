"""Usage as every book has it, whatever it calls the parts; and what that costs, reckoned apart."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from bench.ledger.setting import prices_of
from claude_sidecar.simulator.answer import Usage


class Used(NamedTuple):
    """What one answer told; 0 where it told nothing."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_creation: int = 0
    cache_creation_1h: int = 0
    thinking: int = 0
    web_search: int = 0
    web_fetch: int = 0

    def plus(self, other: "Used") -> "Used":
        """Both together."""
        return Used(*(one + two for one, two in zip(self, other, strict=True)))

    def is_within(self, other: "Used") -> bool:
        """Whether no part is more than the other's: it may have been seen on the way there."""
        return all(one <= two for one, two in zip(self, other, strict=True))


NOTHING = Used()


def served(usage: Usage | None) -> Used:
    """By the simulator's ledger."""
    if usage is None:
        return NOTHING
    return Used(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_input_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_creation_1h_input_tokens,
        usage.thinking_tokens,
        usage.web_search_requests,
        usage.web_fetch_requests,
    )


_IN_REQUESTS = (
    "inputTokens",
    "outputTokens",
    "cacheReadInputTokens",
    "cacheCreationInputTokens",
    "cacheCreation1hInputTokens",
    "thinkingTokens",
    "webSearchRequests",
    "webFetchRequests",
)


def listed(usage: Mapping[str, int | None]) -> Used:
    """By `/requests`."""
    return Used(*(usage[name] or 0 for name in _IN_REQUESTS))


_ON_SPANS = (
    "input_tokens",
    "output_tokens",
    "cache_read.input_tokens",
    "cache_creation.input_tokens",
    "cache_creation_1h.input_tokens",
    "reasoning.output_tokens",
    "web_search.requests",
    "web_fetch.requests",
)


def traced(attributes: Mapping[str, Any], *prefixes: str) -> Used:
    """By a span, whose input has the cache parts in it. prefixes: under which it may stand."""
    told = [
        next((int(attributes[p + name]) for p in prefixes if p + name in attributes), 0) for name in _ON_SPANS
    ]
    used = Used(*told)
    return used._replace(input=used.input - used.cache_read - used.cache_creation)


class Bill(NamedTuple):
    """What usage costs: usd is None where nothing of it has a price."""

    usd: Decimal | None
    unpriced: tuple[str, ...]


def parts_of(used: Used) -> dict[str, int]:
    """What is billed apart, by kind."""
    return {
        "input": used.input,
        "output": used.output,
        "cache_read": used.cache_read,
        "cache_creation": used.cache_creation - used.cache_creation_1h,
        "cache_creation_1h": used.cache_creation_1h,
        "web_search": used.web_search,
    }


def billed(used: Used, model: str) -> Bill:
    """By the price list of the setting. model: what was asked for upstream."""
    parts = {kind: count for kind, count in parts_of(used).items() if count}
    prices = dict(zip(parts_of(used), (*prices_of(model), None), strict=True))
    unpriced = tuple(kind for kind in parts if prices[kind] is None)
    priced = [
        count * price / 1_000_000 for kind, count in parts.items() if (price := prices[kind]) is not None
    ]
    return Bill(sum(priced, Decimal()) if priced else None, unpriced)

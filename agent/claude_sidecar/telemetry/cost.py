"""What usage costs at a policy's prices: pure, and in decimals, exact to the last digit.

A price has at most seven digits after its point, so that of one token has thirteen; as no count is over
a million million, all digits of a sum fit into the 28 of a decimal.
"""

from decimal import Decimal
from typing import NamedTuple

from claude_sidecar.schema.prices import Price
from claude_sidecar.wire.response_metadata import NO_USAGE, TokenUsage

_ONE = Decimal("0.000001")
"""A token's share of a price, which is that of a million."""

INPUT, OUTPUT = "input", "output"
CACHE_READ, CACHE_WRITE, CACHE_WRITE_1H = "cache_read", "cache_creation", "cache_creation_1h"
WEB_SEARCH, APART = "web_search", "apart"


class Cost(NamedTuple):
    """What one response costs."""

    usd: Decimal | None
    """The sum over what has a price, None where nothing of what was used has one."""

    unpriced: tuple[str, ...]
    """Kinds of usage that are not in it."""


NOT_PRICED = Cost(None, ())
"""Of a response that tells no usage, or where the policy has no prices at all."""


def amounts(usage: TokenUsage) -> tuple[tuple[str, int], ...]:
    """Parts of a usage that are billed apart, by kind: tokens, or searches. They don't overlap."""
    written = usage.cache_creation_input_tokens or 0
    for_an_hour = min(usage.cache_creation_1h_input_tokens or 0, written)
    return (
        (INPUT, usage.input_tokens or 0),
        (OUTPUT, usage.output_tokens or 0),
        (CACHE_READ, usage.cache_read_input_tokens or 0),
        (CACHE_WRITE, written - for_an_hour),
        (CACHE_WRITE_1H, for_an_hour),
        (WEB_SEARCH, usage.web_search_requests or 0),
        (APART, usage.apart_tokens or 0),
    )


def left_out(usage: TokenUsage, unpriced: tuple[str, ...]) -> list[tuple[str, int]]:
    """How much of each unpriced kind was used."""
    return [(kind, amount) for kind, amount in amounts(usage) if kind in unpriced]


def cost_of(usage: TokenUsage, price: Price | None) -> Cost:
    """What a response costs by its usage, as far as it was told.

    price: that of its model, None where the policy names none. What was used and has no price is named in
    `unpriced`. Web searches are always there, since they are sold by the search and a policy prices tokens,
    and so is what is told apart, of which it is not known whose price it has.
    """
    if usage == NO_USAGE:
        return NOT_PRICED
    usd, priced, unpriced = Decimal(), False, []
    for (kind, amount), rate in zip(amounts(usage), _rates(price), strict=True):
        if not amount:
            continue
        if rate is None:
            unpriced.append(kind)
        else:
            usd, priced = usd + amount * rate, True
    return Cost(usd * _ONE if priced or not unpriced else None, tuple(unpriced))


def _rates(price: Price | None) -> tuple[Decimal | None, ...]:
    """In the order of `amounts`."""
    if price is None:
        return _NO_RATES
    return (
        price.input_per_mtok,
        price.output_per_mtok,
        price.cache_read_per_mtok,
        price.cache_write_per_mtok,
        price.hour_write_per_mtok,
        None,
        None,
    )


_NO_RATES = (None,) * 7


def usd_text(usd: Decimal | None) -> str | None:
    """Dollars to the last digit, without exponent and without zeros that say nothing; None stays None."""
    return None if usd is None else f"{usd.normalize():f}"

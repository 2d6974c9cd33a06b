"""What models cost by the policy's word, and which price is that of a model."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from claude_sidecar.schema.dated_name import split_date
from claude_sidecar.schema.fields import Dollars, HourDollars, ModelName
from claude_sidecar.schema.strict_model import StrictModel

HOUR_FACTOR = Decimal("1.6")
"""A cache write for an hour costs twice the input, one for five minutes 1.25 times
(https://platform.claude.com/docs/en/build-with-claude/prompt-caching)."""


class Price(StrictModel):
    """US dollars per million tokens of one model, as decimal strings; `"0"` is free of charge.

    Usage whose price is left out is not in the cost: it is told as unpriced.
    """

    model: ModelName
    """The model's name, as callers use it or as a route's `id`; with or without its date is one price."""
    input_per_mtok: Annotated[Dollars | None, Field(alias="inputPerMTok")] = None
    """Input that was neither read from nor written to the prompt cache; US dollars per million tokens."""
    output_per_mtok: Annotated[Dollars | None, Field(alias="outputPerMTok")] = None
    """Output, thinking included; US dollars per million tokens."""
    cache_read_per_mtok: Annotated[Dollars | None, Field(alias="cacheReadPerMTok")] = None
    """Input that was read from the prompt cache; US dollars per million tokens."""
    cache_write_per_mtok: Annotated[Dollars | None, Field(alias="cacheWritePerMTok")] = None
    """Input that was written to the prompt cache for five minutes; US dollars per million tokens."""
    cache_write_1h_per_mtok: Annotated[HourDollars | None, Field(alias="cacheWrite1hPerMTok")] = None
    """Input that was written to the prompt cache for an hour; by default 1.6 times `cacheWritePerMTok`; US
    dollars per million tokens."""

    @property
    def hour_write_per_mtok(self) -> Decimal | None:
        """What a cache write for an hour costs, by its own field or by the default; None where neither is."""
        if self.cache_write_1h_per_mtok is not None or self.cache_write_per_mtok is None:
            return self.cache_write_1h_per_mtok
        return self.cache_write_per_mtok * HOUR_FACTOR


@dataclass(frozen=True, slots=True)
class PriceList:
    """A policy's prices, found by any name of a model; empty where the policy names none.

    A name as written comes first. Else the undated price is that of every date, and a dated one is that of
    the undated name, the newest where there are several. A date has no price of another date.
    """

    prices: tuple[Price, ...] = ()
    _by_name: dict[str, Price] = field(init=False, repr=False, compare=False)
    _by_date: dict[tuple[str, str], Price] = field(init=False, repr=False, compare=False)
    _newest: dict[str, Price] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {price.model: price for price in self.prices}
        dated = {split_date(name): by_name[name] for name in sorted(by_name)}
        newest = {plain: dated[plain, date] for plain, date in sorted(dated)}
        object.__setattr__(self, "_by_name", by_name)
        object.__setattr__(self, "_by_date", dated)
        object.__setattr__(self, "_newest", newest)

    def __bool__(self) -> bool:
        return bool(self.prices)

    def of(self, route_id: str | None, name: str | None) -> Price | None:
        """The price of a model, None where the policy names none.

        route_id: what the route was asked for, whose own price goes first; name: what callers call it.
        """
        called = [each for each in (route_id, name) if each is not None]
        for each in called:
            price = self._by_name.get(each)
            if price is not None:
                return price
        for each in called:
            price = self._otherwise_dated(each)
            if price is not None:
                return price
        return None

    def _otherwise_dated(self, name: str) -> Price | None:
        plain, date = split_date(name)
        if date:
            return self._by_date.get((plain, date)) or self._by_date.get((plain, ""))
        return self._by_date.get((plain, "")) or self._newest.get(plain)

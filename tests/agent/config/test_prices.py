"""Which price is that of a model: names with and without a date, and a route's own id."""

from typing import Any

import pytest
from support.project import ROOT

from claude_sidecar.config.parse import parse_policy
from claude_sidecar.schema.claude_policy import ClaudePolicy
from claude_sidecar.schema.meaning import effective_spec, spec_hash
from claude_sidecar.schema.prices import Price, PriceList


def price_list(*models: str) -> PriceList:
    return PriceList(tuple(Price.model_validate({"model": model, "inputPerMTok": "1"}) for model in models))


def found(prices: PriceList, route_id: str | None, name: str | None = None) -> str | None:
    price = prices.of(route_id, name)
    return None if price is None else price.model


HAIKU, DATED, LATER = "claude-haiku-4-5", "claude-haiku-4-5-20251001", "claude-haiku-4-5-20260301"


@pytest.mark.parametrize(
    ("listed", "asked", "price"),
    [
        ([HAIKU], HAIKU, HAIKU),
        ([HAIKU], DATED, HAIKU),
        ([HAIKU], "claude-haiku-4-5@20251001", HAIKU),
        ([HAIKU], "claude-haiku-4-5-latest", HAIKU),
        ([DATED], HAIKU, DATED),
        ([DATED], "claude-haiku-4-5@20251001", DATED),
        ([DATED], LATER, None),
        ([DATED, LATER], HAIKU, LATER),
        ([LATER, DATED], HAIKU, LATER),
        ([LATER, HAIKU], HAIKU, HAIKU),
        ([LATER, HAIKU], DATED, HAIKU),
        ([DATED, HAIKU], DATED, DATED),
        (["claude-opus-4-20250514"], "claude-opus-4-0", "claude-opus-4-20250514"),
        ([HAIKU], "claude-haiku-4-5-mini", None),
        ([HAIKU], "claude-haiku-4", None),
        ([], HAIKU, None),
    ],
)
def test_dated_and_undated_names_are_one_price(listed: list[str], asked: str, price: str | None) -> None:
    assert found(price_list(*listed), asked) == price


def test_what_the_route_calls_it_goes_before_what_callers_call_it() -> None:
    prices = price_list("eu.anthropic.claude-sonnet-4-6", "claude-sonnet-4-6")
    eu = "eu.anthropic.claude-sonnet-4-6"
    assert found(prices, eu, "claude-sonnet-4-6") == eu
    assert found(prices, "us.anthropic.claude-sonnet-4-6", "claude-sonnet-4-6") == "claude-sonnet-4-6"
    assert found(prices, "our-sonnet", "claude-sonnet-4-6-20260201") == "claude-sonnet-4-6"
    assert found(prices, None) is None


def test_a_name_as_written_goes_before_another_date_of_the_routes_id() -> None:
    prices = price_list(HAIKU, "fast")
    assert found(prices, DATED, "fast") == "fast"


def test_a_policy_without_prices_has_none() -> None:
    assert not PriceList()
    assert found(PriceList(), HAIKU, HAIKU) is None


def policy(**price: str) -> ClaudePolicy:
    spec: dict[str, Any] = {"prices": [{"model": "m", **price}]}
    head = {"apiVersion": "claude-sidecar.dev/v1alpha1", "kind": "ClaudePolicy"}
    return ClaudePolicy.model_validate({**head, "spec": spec})


def test_the_price_of_an_hour_is_filled_in_and_hashed_like_a_written_one() -> None:
    derived, written = (
        policy(cacheWritePerMTok="3.75"),
        policy(cacheWritePerMTok="3.75", cacheWrite1hPerMTok="6.00"),
    )
    assert effective_spec(derived)["prices"][0]["cacheWrite1hPerMTok"] == "6"
    assert spec_hash(derived) == spec_hash(written)
    assert spec_hash(derived) != spec_hash(policy(cacheWritePerMTok="3.75", cacheWrite1hPerMTok="6.01"))


def test_a_price_that_is_left_out_is_not_that_of_zero() -> None:
    assert "inputPerMTok" not in effective_spec(policy())["prices"][0]
    assert spec_hash(policy()) != spec_hash(policy(inputPerMTok="0"))


@pytest.mark.parametrize("write", ["0.000001", "999999.999999"])
def test_any_derived_price_can_be_written(write: str) -> None:
    filled_in = effective_spec(policy(cacheWritePerMTok=write))["prices"][0]
    assert spec_hash(policy(**{k: v for k, v in filled_in.items() if k != "model"})) == spec_hash(
        policy(cacheWritePerMTok=write)
    )


def test_the_example_prices_all_kinds_of_tokens_and_hours_as_the_list_does() -> None:
    path = ROOT / "examples" / "prices.yaml"
    example = parse_policy(path.read_bytes(), str(path))
    for price in example.spec.prices:
        assert None not in (price.input_per_mtok, price.output_per_mtok, price.cache_read_per_mtok)
        assert price.hour_write_per_mtok == 2 * price.input_per_mtok

"""What usage costs: exact, by kind, and told where it has no price."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.schema.prices import Price
from claude_sidecar.telemetry.cost import Cost, amounts, cost_of, usd_text
from claude_sidecar.wire.response_metadata import TokenUsage

FIELDS = ("inputPerMTok", "outputPerMTok", "cacheReadPerMTok", "cacheWritePerMTok", "cacheWrite1hPerMTok")
SONNET = ("3", "15", "0.30", "3.75")


def price(*figures: str | None) -> Price:
    given = {name: figure for name, figure in zip(FIELDS, figures, strict=False) if figure is not None}
    return Price.model_validate({"model": "m", **given})


def test_each_kind_has_its_own_price() -> None:
    usage = TokenUsage(
        input_tokens=1000,
        output_tokens=200,
        cache_read_input_tokens=30_000,
        cache_creation_input_tokens=500,
        cache_creation_1h_input_tokens=100,
    )
    five_minutes, hour = 400 * Decimal("3.75"), 100 * Decimal("6")
    dollars = (1000 * 3 + 200 * 15 + 30_000 * Decimal("0.30") + five_minutes + hour) / 1_000_000
    assert cost_of(usage, price(*SONNET)) == Cost(dollars, ())


@pytest.mark.parametrize(
    ("figures", "dollars"),
    [(SONNET, "6"), ((*SONNET, "9.5"), "9.5"), (("3", None, None, None, "7"), "7"), ((*SONNET, "0"), "0")],
)
def test_writes_for_an_hour_cost_1_6_times_those_for_five_minutes_unless_said_otherwise(
    figures: tuple[str | None, ...], dollars: str
) -> None:
    usage = TokenUsage(cache_creation_input_tokens=1_000_000, cache_creation_1h_input_tokens=1_000_000)
    assert cost_of(usage, price(*figures)) == Cost(Decimal(dollars), ())


def test_more_written_for_an_hour_than_in_all_is_not_believed() -> None:
    usage = TokenUsage(cache_creation_input_tokens=10, cache_creation_1h_input_tokens=1000)
    assert cost_of(usage, price(*SONNET)).usd == 10 * Decimal("6") / 1_000_000


def test_usage_without_a_price_is_told_and_in_no_sum() -> None:
    usage = TokenUsage(
        1000,
        200,
        7,
        50,
        cache_creation_1h_input_tokens=20,
        web_search_requests=1,
        web_fetch_requests=3,
        apart_tokens=9,
    )
    partly = cost_of(usage, price("3", "15"))
    left_out = ("cache_read", "cache_creation", "cache_creation_1h", "web_search", "apart")
    assert partly == Cost(Decimal("0.006"), left_out)
    assert cost_of(usage, None) == Cost(None, ("input", "output", *left_out))
    assert cost_of(usage, price()) == Cost(None, ("input", "output", *left_out))


def test_a_price_of_zero_is_a_price() -> None:
    assert cost_of(TokenUsage(1000, 200), price("0", "0")) == Cost(Decimal(0), ())


def test_what_was_not_used_needs_no_price() -> None:
    assert cost_of(TokenUsage(1000, 0, 0, 0), price("3")) == Cost(Decimal("0.003"), ())
    assert cost_of(TokenUsage(0, 0), price()) == Cost(Decimal(0), ())


def test_a_price_of_what_was_not_used_makes_no_cost_of_zero() -> None:
    assert cost_of(TokenUsage(0, 200), price("3")) == Cost(None, ("output",))


def test_a_response_that_tells_no_usage_has_no_cost() -> None:
    for each in (price(*SONNET), price(), None):
        assert cost_of(TokenUsage(), each) == Cost(None, ())


counts = st.none() | st.integers(0, 10**12)
figures = st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,6})?", fullmatch=True)


@given(
    st.builds(TokenUsage, *[counts] * 9),
    st.tuples(*[st.none() | figures] * 5),
)
def test_cost_is_exact_to_the_last_digit(usage: TokenUsage, given_figures: tuple[str | None, ...]) -> None:
    named = price(*given_figures)
    rates = [None if figure is None else Fraction(figure) for figure in given_figures]
    if rates[4] is None and rates[3] is not None:
        rates[4] = rates[3] * Fraction(8, 5)
    used = [amount for _, amount in amounts(usage)]
    exact = sum((n * rate for n, rate in zip(used, rates, strict=False) if rate is not None), Fraction())
    cost = cost_of(usage, named)
    assert Fraction(cost.usd or 0) == exact / 1_000_000
    with localcontext() as context:
        context.prec = 60
        assert Decimal(usd_text(cost.usd) or "0") == (cost.usd or 0)


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, None),
        ("0", "0"),
        ("0.000000", "0"),
        ("6.00", "6"),
        ("100", "100"),
        ("0.0000001", "0.0000001"),
        ("1E+3", "1000"),
    ],
)
def test_dollars_are_written_without_exponent_and_idle_zeros(usd: str | None, text: str | None) -> None:
    assert usd_text(None if usd is None else Decimal(usd)) == text

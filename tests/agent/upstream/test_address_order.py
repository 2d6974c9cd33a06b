"""The order of a name's addresses: what worked first, what failed last, families in turn, never too many."""

import socket

from hypothesis import given
from hypothesis import strategies as st
from support.fakes.scripted_resolver import addresses

from claude_sidecar.upstream.address import Address
from claude_sidecar.upstream.address_order import ADDRESSES_MOST, in_order

FOUR = addresses("10.0.0.1", "10.0.0.2", "10.0.0.3")
SIX = addresses("2001:db8::1", "2001:db8::2")

some = st.lists(
    st.builds(
        Address,
        st.sampled_from([socket.AF_INET, socket.AF_INET6]),
        st.sampled_from([f"a{number}" for number in range(12)]),
    ),
    unique=True,
    max_size=50,
)


def test_families_take_turns_and_each_keeps_its_order() -> None:
    assert in_order(SIX + FOUR, None, ()) == (SIX[0], FOUR[0], SIX[1], FOUR[1], FOUR[2])
    assert in_order(FOUR + SIX, None, ()) == (FOUR[0], SIX[0], FOUR[1], SIX[1], FOUR[2])


def test_address_that_worked_goes_first_and_those_that_failed_go_last() -> None:
    assert in_order(SIX + FOUR, FOUR[1], ()) == (FOUR[1], SIX[0], FOUR[0], SIX[1], FOUR[2])
    assert in_order(SIX + FOUR, None, SIX) == (*FOUR, *SIX)
    assert in_order(FOUR, None, FOUR) == FOUR


def test_of_fifty_addresses_each_gets_its_turn_as_others_fail() -> None:
    fifty = addresses(*(f"10.0.0.{number}" for number in range(50)))
    failed: set[Address] = set()
    while len(failed) < 50:
        tried = in_order(fifty, None, failed)
        assert len(tried) == ADDRESSES_MOST
        assert failed.isdisjoint(tried) or len(failed) > 50 - ADDRESSES_MOST
        failed.update(tried)


@given(found=some, worked=some, failed=some)
def test_nothing_is_made_up_and_nothing_left_out_for_want_of_luck(found, worked, failed) -> None:
    first = worked[0] if worked else None
    order = in_order(found, first, failed)
    assert len(order) == min(len(found), ADDRESSES_MOST)
    assert len(set(order)) == len(order)
    assert set(order) <= set(found)
    if first in found:
        assert order[0] == first
    untried = [one for one in order if one != first and one not in failed]
    rest = order[1:] if first in found else order
    assert list(rest[: len(untried)]) == untried

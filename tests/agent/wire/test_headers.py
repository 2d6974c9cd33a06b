"""Header lines: order, case and repeats stay; hop-by-hop lines end here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.wire.headers import (
    end_to_end,
    every,
    first,
    id_in,
    index_of,
    lowered_names,
    names_index_and_size,
    render,
)

HOP_BY_HOP = [
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
]
NAMES = st.sampled_from(
    [b"anthropic-beta", b"Anthropic-Beta", b"Connection", b"TE", b"x-a", b"X-B", b"close", b"keep-alive"]
)
VALUES = st.sampled_from([b"close", b"x-a", b"X-b , keep-alive", b"", b",", b"a, b", b"\xff"])
LINES = st.lists(st.tuples(NAMES, VALUES), max_size=8)


@given(LINES)
def test_what_goes_on_keeps_order_case_and_repeats(lines: list[tuple[bytes, bytes]]) -> None:
    kept = end_to_end(lines)
    rest = iter(lines)
    assert all(line in rest for line in kept)
    named = {token.strip().lower() for value in every(lines, b"connection") for token in value.split(b",")}
    for line in lines:
        name = line[0].lower()
        goes = name not in HOP_BY_HOP and (name not in named or name in (b"close", b"keep-alive"))
        assert kept.count(line) == (lines.count(line) if goes else 0)


@pytest.mark.parametrize("name", HOP_BY_HOP)
def test_each_hop_by_hop_line_ends_here_in_any_case(name: bytes) -> None:
    lines = [(name, b"v"), (name.upper(), b"v"), (b"x-stays", b"v")]
    assert end_to_end(lines) == [(b"x-stays", b"v")]


def test_lines_that_connection_names_end_here() -> None:
    lines = [
        (b"Connection", b"X-One, x-two"),
        (b"connection", b"x-three"),
        (b"x-one", b"1"),
        (b"X-TWO", b"2"),
    ]
    assert end_to_end([*lines, (b"x-three", b"3"), (b"x-four", b"4")]) == [(b"x-four", b"4")]


def test_connection_cannot_take_the_length_off_a_body() -> None:
    lines = [(b"Connection", b"content-length, x-a"), (b"Content-Length", b"3"), (b"x-a", b"1")]
    assert end_to_end(lines) == [(b"Content-Length", b"3")]


def test_options_of_the_connection_itself_name_no_lines() -> None:
    assert end_to_end([(b"connection", b"close, keep-alive, ,"), (b"close", b"1")]) == [(b"close", b"1")]


def test_lines_may_be_dropped_besides() -> None:
    lines = [(b"X-Api-Key", b"k"), (b"x-api-key-not", b"n")]
    assert end_to_end(lines, frozenset({b"x-api-key"})) == [(b"x-api-key-not", b"n")]


def test_first_and_every_find_names_in_any_case() -> None:
    lines = [(b"A", b"1"), (b"ab", b"2"), (b"a", b"3")]
    assert first(lines, b"a") == b"1"
    assert every(lines, b"a") == [b"1", b"3"]
    assert first(lines, b"b") is None
    assert index_of(lines) == {b"a": b"1", b"ab": b"2"}
    assert every(lines, b"b") == []


@given(st.lists(st.tuples(st.sampled_from([b"A", b"a", b"Host", b"X-b", b"x-B"]), st.binary(max_size=5))))
def test_one_look_at_each_line_tells_names_first_values_and_size(lines: list[tuple[bytes, bytes]]) -> None:
    names, index, size = names_index_and_size(lines)
    assert names == lowered_names(lines)
    assert index == index_of(lines) == {name: first(lines, name) for name in names}
    assert size == len(render(b"", lines)) - len(render(b"", []))


def test_a_head_is_rendered_line_by_line() -> None:
    assert (
        render(b"GET / HTTP/1.1", [(b"Host", b"h"), (b"x", b"")])
        == b"GET / HTTP/1.1\r\nHost: h\r\nx: \r\n\r\n"
    )
    assert render(b"GET / HTTP/1.1", []) == b"GET / HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize("value", [b"0" * 128, b"a b", b"~!", b"3f8e-42"])
def test_a_header_names_what_it_says_in_printable_ascii(value: bytes) -> None:
    assert id_in({b"x-id": value}, b"x-id") == value.decode("ascii")


@pytest.mark.parametrize(
    "value", [b"0" * 129, b"", b"caf\xc3\xa9", b"a\tb", b"\x7f", b"my SK-ant-api03-0123", b"\x00"]
)
def test_a_header_names_nothing_with_a_value_that_is_too_long_or_unprintable_or_holds_a_key(
    value: bytes,
) -> None:
    assert id_in({b"x-id": value}, b"x-id") == ""


def test_a_header_that_is_not_there_names_nothing() -> None:
    assert id_in({}, b"x-id") == ""

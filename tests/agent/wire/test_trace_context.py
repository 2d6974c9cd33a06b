"""W3C trace context: what is valid is joined, what is not starts a new trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.wire.trace_context import TraceParent, read_traceparent, write_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("ff", True)]
)
def test_a_valid_parent_is_read(flags: str, sampled: bool) -> None:
    assert read_traceparent(f"00-{TRACE}-{SPAN}-{flags}".encode()) == TraceParent(TRACE, SPAN, sampled)


def test_a_later_version_may_say_more() -> None:
    assert read_traceparent(f"01-{TRACE}-{SPAN}-01-more".encode()) == TraceParent(TRACE, SPAN, True)
    assert read_traceparent(f" cc-{TRACE}-{SPAN}-00 ".encode()) == TraceParent(TRACE, SPAN, False)


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"01-{TRACE}-{SPAN}-01more",
        f"00-{TRACE}-{SPAN}-01\n00",
    ],
)
def test_an_invalid_parent_is_none(value: str) -> None:
    assert read_traceparent(value.encode()) is None


@given(st.binary(max_size=80))
def test_no_bytes_make_it_raise(value: bytes) -> None:
    assert read_traceparent(value) is None or len(value) >= 55


def test_what_is_written_is_read_back_as_sampled() -> None:
    assert read_traceparent(write_traceparent(TRACE, SPAN)) == TraceParent(TRACE, SPAN, True)

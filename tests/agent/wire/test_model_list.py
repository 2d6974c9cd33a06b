"""Model names of a `/v1/models` answer: in order, bounded, none from garbage."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.wire.model_name import read_model_list


def page(*names: str) -> bytes:
    return json.dumps({"data": [{"type": "model", "id": name} for name in names], "has_more": False}).encode()


def test_names_are_read_in_order() -> None:
    assert read_model_list(page("b", "a", "c")) == ("b", "a", "c")
    assert read_model_list(page()) == ()


def test_their_number_and_length_are_bounded() -> None:
    assert len(read_model_list(page(*(f"m{index}" for index in range(500))))) == 200
    assert read_model_list(page("m" * 128, "m" * 129)) == ("m" * 128,)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"data":{}}', b'{"data":[{"id":1}]}', b"[" * 100_000, b"\xff"]
)
def test_anything_else_has_none(body: bytes) -> None:
    assert read_model_list(body) == ()


@given(st.binary(max_size=80))
def test_no_bytes_make_it_raise(body: bytes) -> None:
    assert isinstance(read_model_list(body), tuple)

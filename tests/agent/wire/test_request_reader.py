"""A body's facts through its coding, in bounded steps and memory."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.wire.request_peek import NO_FACTS, BodyFacts, peek
from claude_sidecar.wire.request_reader import RequestReader

BODY = json.dumps({"x": "y" * 3000, "model": "m", "stream": True, "max_tokens": 5}).encode()
MIB = 1 << 20
CODINGS: dict[bytes | None, Callable[[bytes], bytes]] = {
    None: bytes,
    b"identity": bytes,
    b"gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"br": lambda plain: bytes(brotli.compress(plain)),
    b"zstd": zstd.compress,
}


def read(reader: RequestReader, data: bytes, step: int, most: int = MIB) -> int:
    """Feeds it in pieces; how often it had to be asked for more of one."""
    asked = 0
    for at in range(0, len(data), step):
        piece = data[at : at + step]
        while reader.feed(piece, most):
            piece, asked = b"", asked + 1
    return asked


@given(st.sampled_from(list(CODINGS)), st.integers(1, 4000), st.integers(1, 5000))
def test_facts_are_those_of_the_body_without_its_coding(coding: bytes | None, step: int, most: int) -> None:
    reader = RequestReader(coding, MIB)
    read(reader, CODINGS[coding](BODY), step, most)
    assert reader.facts() == peek(BODY) == BodyFacts("m", stream=True, max_tokens=5, names_max_tokens=True)
    assert [BODY[member.start : member.end] for member in reader.members] == [b'"m"', b"true", b"5"]
    assert reader.plain_bytes == len(BODY)


@pytest.mark.parametrize("coding", [b"gzip", b"zstd"])
def test_members_and_frames_in_a_row_are_one_body(coding: bytes) -> None:
    parts = [CODINGS[coding](BODY[at : at + 700]) for at in range(0, len(BODY), 700)]
    reader = RequestReader(coding, MIB)
    read(reader, b"".join(parts), 100)
    assert reader.facts() == peek(BODY)


def test_a_body_behind_thousands_of_empty_members_is_read_step_by_step() -> None:
    reader = RequestReader(b"gzip", MIB)
    assert read(reader, gzip.compress(b"") * 20_000 + gzip.compress(BODY), MIB) == 10
    assert reader.facts() == peek(BODY)


@pytest.mark.parametrize("coding", [coding for coding in CODINGS if coding not in (None, b"identity")])
def test_a_small_body_does_not_unfold_without_end(coding: bytes) -> None:
    bomb = CODINGS[coding](b'{"model":"m","x":"' + bytes(16 * MIB) + b'"}')
    reader = RequestReader(coding, MIB)
    tracemalloc.start()
    try:
        assert read(reader, bomb, 1 << 16) >= 3
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()
    assert reader.unreadable
    assert reader.facts() == NO_FACTS
    assert reader.plain_bytes <= 2 * MIB


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        pytest.param(b"gzip", b"no gzip", id="no gzip"),
        pytest.param(b"gzip", gzip.compress(b"no JSON"), id="no JSON"),
        pytest.param(b"gzip", gzip.compress(BODY)[:60], id="cut"),
        pytest.param(b"lzma", BODY, id="unknown coding"),
        pytest.param(b"gzip, br", BODY, id="two codings"),
        pytest.param(None, gzip.compress(BODY), id="coding not told"),
    ],
)
def test_what_cannot_be_read_has_no_facts(coding: bytes | None, body: bytes) -> None:
    reader = RequestReader(coding, MIB)
    read(reader, body, 50)
    assert reader.facts() == NO_FACTS


def test_the_beginning_of_a_body_has_facts_too() -> None:
    reader = RequestReader(None, MIB)
    reader.feed(b'{"model":"m","messages":[')
    assert reader.facts() == NO_FACTS
    assert reader.facts(begun=True).model == "m"

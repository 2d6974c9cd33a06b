"""The tee's decoder: every coding, any chunking, a hard limit, and garbage without harm."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.wire.content_coding import CodingUnknown, TeeDecoder

ENCODERS: dict[bytes | None, Callable[[bytes], bytes]] = {
    None: bytes,
    b"": bytes,
    b"identity": bytes,
    b"gzip": gzip.compress,
    b" GZip ": gzip.compress,
    b"x-gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"br": lambda plain: bytes(brotli.compress(plain, quality=1)),
    b"zstd": zstd.compress,
}
CODINGS = st.sampled_from(list(ENCODERS))


def decoded(tee: TeeDecoder, data: bytes, step: int) -> bytes:
    return b"".join(tee.decode(data[start : start + step]) for start in range(0, len(data), step))


@given(CODINGS, st.binary(max_size=2000), st.integers(1, 300))
def test_any_chunking_gives_the_plain_bytes(coding: bytes | None, plain: bytes, step: int) -> None:
    tee = TeeDecoder(coding, 1 << 20)
    assert decoded(tee, ENCODERS[coding](plain), step) == plain
    assert not tee.broken


@given(CODINGS, st.integers(1, 100_000), st.sampled_from([1, 7, 100, 1 << 20]))
def test_it_gives_no_more_than_its_limit(coding: bytes | None, limit: int, step: int) -> None:
    plain = b"0123456789" * 20_000
    coded = ENCODERS[coding](plain)
    step = max(step, len(coded) // 2000)
    found = decoded(TeeDecoder(coding, limit), coded, step)
    assert len(found) <= limit
    assert plain.startswith(found)


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
def test_a_small_body_does_not_unfold_without_end(coding: bytes) -> None:
    bomb = ENCODERS[coding](bytes(16 << 20))
    tracemalloc.start()
    try:
        assert len(TeeDecoder(coding, 10_000).decode(bomb)) == 10_000
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@given(CODINGS, st.binary(max_size=300))
def test_garbage_is_given_up_on(coding: bytes | None, data: bytes) -> None:
    tee = TeeDecoder(coding, 1000)
    tee.decode(data)
    tee.decode(data)
    if tee.broken:
        assert tee.decode(ENCODERS[coding](b"more")) == b""


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
def test_garbage_is_known_as_such(coding: bytes) -> None:
    tee = TeeDecoder(coding, 1000)
    tee.decode(b"<html>no such coding</html>" * 20)
    assert tee.broken


@pytest.mark.parametrize("coding", [b"gzip", b"deflate"])
def test_what_comes_behind_the_coded_end_is_not_kept(coding: bytes) -> None:
    tee = TeeDecoder(coding, 1 << 20)
    assert tee.decode(ENCODERS[coding](b"all there is")) == b"all there is"
    tracemalloc.start()
    try:
        for _ in range(100):
            assert tee.decode(bytes(10_000)) == b""
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", [b"lzma", b"gzip, br", b"\xff"])
def test_an_unknown_coding_is_said_to_be_one(coding: bytes) -> None:
    with pytest.raises(CodingUnknown):
        TeeDecoder(coding, 10)


@pytest.mark.parametrize("coding", [None, b"gzip", b"br", b"zstd", b"deflate"])
def test_it_is_known_whether_a_body_was_decoded_to_its_end(coding: bytes | None) -> None:
    plain = b"0123456789" * 100
    coded = ENCODERS[coding](plain)
    for limit, fed, whole in ((1001, coded, True), (999, coded, False), (5000, coded[:-5], coding is None)):
        tee = TeeDecoder(coding, limit)
        tee.decode(fed)
        assert tee.is_whole is whole, (limit, len(fed))

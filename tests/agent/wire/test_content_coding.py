"""The tee's decoder: every coding, any chunking, a hard limit, and garbage without harm."""

import gzip
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.wire.codecs import CodingUnknown
from claude_sidecar.wire.content_coding import MEMBERS_MOST, BoundedDecoder, Decoder, decoded, encoder

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


def taken(tee: BoundedDecoder, data: bytes, step: int) -> bytes:
    return b"".join(tee.decode(data[start : start + step]) for start in range(0, len(data), step))


@given(CODINGS, st.binary(max_size=2000), st.integers(1, 300))
def test_any_chunking_gives_the_plain_bytes(coding: bytes | None, plain: bytes, step: int) -> None:
    tee = BoundedDecoder(coding, 1 << 20)
    assert taken(tee, ENCODERS[coding](plain), step) == plain
    assert not tee.broken


@given(CODINGS, st.integers(1, 100_000), st.sampled_from([1, 7, 100, 1 << 20]))
def test_it_gives_no_more_than_its_limit(coding: bytes | None, limit: int, step: int) -> None:
    plain = b"0123456789" * 20_000
    coded = ENCODERS[coding](plain)
    step = max(step, len(coded) // 2000)
    found = taken(BoundedDecoder(coding, limit), coded, step)
    assert len(found) <= limit
    assert plain.startswith(found)


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
def test_a_small_body_does_not_unfold_without_end(coding: bytes) -> None:
    bomb = ENCODERS[coding](bytes(16 << 20))
    tracemalloc.start()
    try:
        assert len(BoundedDecoder(coding, 10_000).decode(bomb)) == 10_000
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@given(CODINGS, st.binary(max_size=300))
def test_garbage_is_given_up_on(coding: bytes | None, data: bytes) -> None:
    tee = BoundedDecoder(coding, 1000)
    tee.decode(data)
    tee.decode(data)
    if tee.broken:
        assert tee.decode(ENCODERS[coding](b"more")) == b""


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
def test_garbage_is_known_as_such(coding: bytes) -> None:
    tee = BoundedDecoder(coding, 1000)
    tee.decode(b"<html>no such coding</html>" * 20)
    assert tee.broken


@pytest.mark.parametrize("coding", [b"gzip", b"deflate"])
def test_what_comes_behind_the_coded_end_is_not_kept(coding: bytes) -> None:
    tee = BoundedDecoder(coding, 1 << 20)
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
        BoundedDecoder(coding, 10)


@pytest.mark.parametrize("coding", [None, b"gzip", b"br", b"zstd", b"deflate"])
def test_it_is_known_whether_a_body_was_decoded_to_its_end(coding: bytes | None) -> None:
    plain = b"0123456789" * 100
    coded = ENCODERS[coding](plain)
    for limit, fed, whole in ((1001, coded, True), (999, coded, False), (5000, coded[:-5], coding is None)):
        tee = BoundedDecoder(coding, limit)
        tee.decode(fed)
        assert tee.is_whole is whole, (limit, len(fed))


CODED = st.sampled_from([b"gzip", b"x-gzip", b"deflate", b"br", b"zstd"])


@given(
    st.sampled_from([b"gzip", b"zstd"]), st.lists(st.binary(max_size=300), min_size=1), st.integers(1, 200)
)
def test_members_and_frames_in_a_row_are_one_body(coding: bytes, parts: list[bytes], step: int) -> None:
    coded = b"".join(ENCODERS[coding](part) for part in parts)
    tee = BoundedDecoder(coding, 1 << 20)
    assert taken(tee, coded, step) == b"".join(parts)
    assert tee.is_whole
    assert decoded(coded, coding, 1 << 20) == b"".join(parts)


def test_a_skippable_frame_is_skipped() -> None:
    skippable = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    assert decoded(skippable + zstd.compress(b"x") + skippable, b"zstd", 100) == b"x"


@pytest.mark.parametrize("coding", [b"gzip", b"zstd", b"deflate"])
@pytest.mark.parametrize("behind", [b"\0" * 10, b"garbage", b"\x1f\x8b\xff"])
def test_what_is_no_further_member_is_ignored_and_told(coding: bytes, behind: bytes) -> None:
    tee = BoundedDecoder(coding, 1000)
    assert tee.decode(ENCODERS[coding](b"all") + behind) == b"all"
    assert (tee.broken, tee.is_whole) == (False, False)
    assert tee.decode(ENCODERS[coding](b"more")) == b""


def test_a_further_member_that_breaks_off_is_not_whole() -> None:
    assert decoded(gzip.compress(b"a") + gzip.compress(b"b" * 1000)[:-3], b"gzip", 10_000) is None


@given(CODED, st.binary(max_size=3000), st.integers(1, 100), st.integers(1, 400))
def test_steps_of_any_size_give_the_plain_bytes(coding: bytes, plain: bytes, most: int, step: int) -> None:
    decoder, found = Decoder(coding), []
    coded = ENCODERS[coding](plain)
    for at in range(0, len(coded), step):
        piece = coded[at : at + step]
        while True:
            found.append(decoder.feed(piece, most))
            assert len(found[-1]) <= most
            piece = b""
            if not decoder.waiting:
                break
    assert b"".join(found) == plain
    assert decoder.at_end


@given(CODED, st.lists(st.binary(max_size=500), max_size=6))
def test_what_an_encoder_writes_a_decoder_reads(coding: bytes, parts: list[bytes]) -> None:
    coder = encoder(coding)
    coded = b"".join(coder.encode(part) for part in parts) + coder.finish()
    assert decoded(coded, coding, 1 << 20) == b"".join(parts)


EMPTY = {
    "gzip": (b"gzip", gzip.compress(b"")),
    "zstd": (b"zstd", zstd.compress(b"")),
    "skippable": (b"zstd", b"\x50\x2a\x4d\x18" + bytes(4)),
}
SMALL = EMPTY | {"one byte": (b"gzip", gzip.compress(b"x"))}


@contextmanager
def counted() -> Iterator[list[int]]:
    """How often a library was given something, counted instead of timed."""
    calls = [0]

    def note(frame: FrameType, event: str, _: object) -> None:
        calls[0] += event == "call" and frame.f_code.co_name == "_decompress"

    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize(("coding", "member"), SMALL.values(), ids=list(SMALL))
def test_a_step_ends_after_so_many_members_and_the_next_goes_on(coding: bytes, member: bytes) -> None:
    decoder, piece, steps, found = Decoder(coding), member * 10 * MEMBERS_MOST, 0, b""
    while piece or decoder.waiting:
        with counted() as calls:
            found += decoder.feed(piece, 1 << 20)
        assert calls[0] <= MEMBERS_MOST + len(member) * MEMBERS_MOST // (16 << 10) + 2
        piece, steps = b"", steps + 1
    assert steps == 10
    assert found.strip(b"x") == b""
    assert decoder.at_end


@pytest.mark.parametrize(("coding", "member"), EMPTY.values(), ids=list(EMPTY))
def test_what_flows_by_in_too_many_members_is_given_up_on(coding: bytes, member: bytes) -> None:
    tee = BoundedDecoder(coding, 1 << 20)
    with counted() as calls:
        assert tee.decode(member * 50_000 + ENCODERS[coding](b"x")) == b""
        assert tee.decode(ENCODERS[coding](b"x")) == b""
    assert calls[0] < 2 * MEMBERS_MOST
    assert (tee.broken, tee.is_whole) == (True, False)


def test_two_thousand_small_members_are_one_body() -> None:
    assert decoded(gzip.compress(b"x") * MEMBERS_MOST, b"gzip", 1 << 20) == b"x" * MEMBERS_MOST


def test_a_member_an_event_is_read_for_ever_as_it_flows_by() -> None:
    tee, member = BoundedDecoder(b"gzip", 1 << 20), gzip.compress(b"event: ping\n\n")
    for _ in range(3 * MEMBERS_MOST):
        assert tee.decode(member) == b"event: ping\n\n"
    assert tee.is_whole

"""The libraries for each content coding, under one signature."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

_FASTEST = 1
"""Level of compression: a body is sent over a fast link a few times, and the event loop waits meanwhile."""


class CodingUnknown(ValueError):
    """No decoder for this content coding."""


class Encoder(Protocol):
    """Applies a content coding."""

    def encode(self, data: bytes) -> bytes:
        """What can be given out of it by now."""

    def finish(self) -> bytes:
        """The rest, once all has been encoded."""


class CodedStream(Protocol):
    """One coded stream to be decoded: a gzip member, a zstd frame, a whole brotli body."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Codec:
    """member, encoder: begin to decode and to encode; repeats: whether a body may be several members."""

    member: Callable[[], CodedStream]
    encoder: Callable[[], Encoder]
    repeats: bool


def codec_named(coding: bytes | None) -> Codec:
    """The codec for a `content-encoding`. Raises CodingUnknown."""
    name = (coding or b"").strip().lower()
    known = _CODECS.get(name)
    if known is None:
        raise CodingUnknown(name.decode("ascii", "replace"))
    return known


class _Zlib:
    """Feeds zlib what it left of its input."""

    __slots__ = ("_decompressor",)

    def __init__(self, window_bits: int) -> None:
        self._decompressor = zlib.decompressobj(window_bits)

    @property
    def eof(self) -> bool:
        return self._decompressor.eof

    @property
    def unused_data(self) -> bytes:
        return self._decompressor.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._decompressor.decompress(self._decompressor.unconsumed_tail + data, max_length)


class _ZlibEncoder:
    __slots__ = ("_compressor",)

    def __init__(self, window_bits: int) -> None:
        self._compressor = zlib.compressobj(_FASTEST, zlib.DEFLATED, window_bits)

    def encode(self, data: bytes) -> bytes:
        return self._compressor.compress(data)

    def finish(self) -> bytes:
        return self._compressor.flush()


class _Brotli:
    """Gives Brotli's decoder the signature of the others; its own limit of output is a soft one."""

    __slots__ = ("_decompressor", "_spare")

    def __init__(self) -> None:
        import brotli

        self._decompressor = brotli.Decompressor()
        self._spare = b""

    unused_data = b""
    """Brotli's decoder takes bytes behind the end for garbage."""

    @property
    def eof(self) -> bool:
        return bool(self._decompressor.is_finished()) and not self._spare

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        plain = self._spare
        if len(plain) < max_length and not self._decompressor.is_finished():
            plain += self._decompressor.process(data, output_buffer_limit=max_length - len(plain))
        self._spare = plain[max_length:]
        return plain[:max_length]


class _BrotliEncoder:
    __slots__ = ("_compressor",)

    def __init__(self) -> None:
        import brotli

        self._compressor = brotli.Compressor(quality=_FASTEST)

    def encode(self, data: bytes) -> bytes:
        return bytes(self._compressor.process(data))

    def finish(self) -> bytes:
        return bytes(self._compressor.finish())


class _ZstdEncoder:
    __slots__ = ("_compressor",)

    def __init__(self) -> None:
        from backports import zstd

        self._compressor = zstd.ZstdCompressor(level=_FASTEST)

    def encode(self, data: bytes) -> bytes:
        return self._compressor.compress(data)

    def finish(self) -> bytes:
        return self._compressor.flush()


def _zstd() -> CodedStream:
    from backports import zstd

    return zstd.ZstdDecompressor()


_GZIP_BITS = 16 + zlib.MAX_WBITS
_GZIP = Codec(lambda: _Zlib(_GZIP_BITS), lambda: _ZlibEncoder(_GZIP_BITS), repeats=True)
_CODECS = {
    b"gzip": _GZIP,
    b"x-gzip": _GZIP,
    b"deflate": Codec(lambda: _Zlib(zlib.MAX_WBITS), lambda: _ZlibEncoder(zlib.MAX_WBITS), repeats=False),
    b"br": Codec(_Brotli, _BrotliEncoder, repeats=False),
    b"zstd": Codec(_zstd, _ZstdEncoder, repeats=True),
}

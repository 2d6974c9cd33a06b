"""A tee's decoder: content codings undone for telemetry, in bounded memory; the bytes relayed stay coded."""

import zlib
from typing import Protocol


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class CodingUnknown(ValueError):
    """No decoder for this content coding."""


class TeeDecoder:
    """Decodes what flows by, up to a limit; past it, or after garbage, it gives nothing more.

    coding: the answer's `content-encoding`, None or empty for none; limit_bytes: decoded bytes in all,
    so that a small body can't unfold without end. Raises CodingUnknown.
    """

    __slots__ = ("_decompressor", "_left", "broken", "is_whole")

    def __init__(self, coding: bytes | None, limit_bytes: int) -> None:
        self._left = limit_bytes
        self.broken = False
        self._decompressor = _decompressor(coding)
        self.is_whole = self._decompressor is None
        """Whether nothing is missing so far: a coded body has come to its end, no limit has cut it."""

    def decode(self, data: bytes) -> bytes:
        """The decoded bytes of this piece."""
        if self.broken or self._left <= 0:
            self.is_whole = self.is_whole and not data
            return b""
        if self._decompressor is None:
            plain = data[: self._left]
            self.is_whole = len(plain) == len(data)
        else:
            try:
                plain = self._decompressor.decompress(data, self._left)
            except Exception:  # each library has its own error for garbage
                self.broken = True
                return b""
            if getattr(self._decompressor, "eof", False):
                # Fed with more, zlib would keep all that comes behind the coded end.
                self._left = 0
                self.is_whole = not getattr(self._decompressor, "unused_data", b"")
                return plain
        self._left -= len(plain)
        return plain


def decoded(body: bytes, coding: bytes | None, limit_bytes: int) -> bytes | None:
    """A whole body without its coding; None where that is unknown, or the body is damaged or too long."""
    try:
        tee = TeeDecoder(coding, limit_bytes)
    except CodingUnknown:
        return None
    plain = tee.decode(body)
    return plain if tee.is_whole else None


class _Brotli:
    """Gives Brotli's decoder the signature of the others."""

    def __init__(self) -> None:
        import brotli

        self._decoder = brotli.Decompressor()
        self._was_cut = False

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        plain: bytes = self._decoder.process(data, output_buffer_limit=max_length)
        self._was_cut = self._was_cut or len(plain) > max_length  # its limit is a soft one
        return plain[:max_length]

    @property
    def eof(self) -> bool:
        return bool(self._decoder.is_finished()) and not self._was_cut


def _decompressor(coding: bytes | None) -> _Decompressor | None:
    name = (coding or b"identity").strip().lower()
    if name == b"identity":
        return None
    if name in (b"gzip", b"x-gzip"):
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    if name == b"deflate":
        return zlib.decompressobj()
    if name == b"br":
        return _Brotli()
    if name == b"zstd":
        from backports import zstd

        return zstd.ZstdDecompressor()
    raise CodingUnknown(name.decode("ascii", "replace"))

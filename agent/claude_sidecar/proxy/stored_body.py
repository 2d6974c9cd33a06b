"""A request's body kept for repeats: in memory, in an unlinked file, or passed on once."""

import contextlib
import mmap
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from claude_sidecar.wire.codecs import CodingUnknown
from claude_sidecar.wire.content_coding import TeeDecoder
from claude_sidecar.wire.request_peek import NO_FACTS, BodyFacts, peek

MEMORY_BYTES = 1 << 20
"""A body up to this size is kept in memory."""

_PIECE_BYTES = 256 << 10
_DECODED_BYTES = 32 << 20
"""The API takes no larger body after decoding."""


class BodyTooLarge(Exception):
    """The body is over the limit: `size_bytes` as declared, or as far as it was read."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


class BodySource(Protocol):
    """Where a body comes from: the caller's connection."""

    async def readany(self) -> bytes:
        """The next bytes, empty at the end."""

    def at_eof(self) -> bool:
        """Whether all has been read."""


class BufferSpace:
    """The bytes that bodies may take up in all; told what is taken and given back."""

    def __init__(self) -> None:
        self.memory_bytes = 0
        self.spool_bytes = 0


class StoredBody:
    """A whole body: `whole` when in memory, else in an unlinked file; `release` gives its space back."""

    def __init__(self, space: BufferSpace, data: bytes, file: int | None, size_bytes: int) -> None:
        self._space = space
        self._data = data
        self._file = file
        self.size_bytes = size_bytes
        self.repeatable = True

    @property
    def whole(self) -> bytes | None:
        """All of it when it is in memory."""
        return self._data if self._file is None else None

    async def pieces(self) -> AsyncIterator[bytes]:
        """From the beginning, each time anew."""
        if self._file is None:
            yield self._data
            return
        offset = 0
        while offset < self.size_bytes:
            piece = os.pread(self._file, min(_PIECE_BYTES, self.size_bytes - offset), offset)
            if not piece:
                raise OSError("the spooled body is shorter than it was")
            offset += len(piece)
            yield piece

    def facts(self, coding: bytes | None) -> BodyFacts:
        """What the body says of model, stream and account; coding: its content-encoding."""
        if not self.size_bytes:
            return NO_FACTS
        if coding is not None and coding.strip().lower() != b"identity":
            return _facts_decoded(self.read_all(), coding)
        if self._file is None:
            return peek(self._data)
        with mmap.mmap(self._file, self.size_bytes, prot=mmap.PROT_READ) as mapped:
            return peek(mapped)  # type: ignore[arg-type]

    def read_all(self) -> bytes:
        """The whole body in memory, for the few cases that need it there at once."""
        return self._data if self._file is None else os.pread(self._file, self.size_bytes, 0)

    def release(self) -> None:
        """Give the space back; safe to call twice."""
        if self._file is not None:
            os.close(self._file)
            self._space.spool_bytes -= self.size_bytes
            self._file = None
        else:
            self._space.memory_bytes -= len(self._data)
        self._data = b""
        self.size_bytes = 0


def _facts_decoded(data: bytes, coding: bytes) -> BodyFacts:
    """Facts of a compressed body; it goes up as it came. What can't be decoded in bounds has none."""
    try:
        plain = TeeDecoder(coding, _DECODED_BYTES).decode(data)
    except CodingUnknown:
        return NO_FACTS
    return peek(plain) if plain else NO_FACTS


class PassingBody:
    """A body sent once: what has been read of it, then the rest as it comes.

    unkept: what was read last, for which the store had no room.
    """

    def __init__(
        self, read: StoredBody | None, source: BodySource, size_bytes: int | None, unkept: bytes = b""
    ) -> None:
        self._read = read
        self._unkept = unkept
        self._source = source
        self.size_bytes = size_bytes or 0
        self.whole = None
        self.repeatable = False

    async def pieces(self) -> AsyncIterator[bytes]:
        """Only once."""
        if self._read is not None:
            async for piece in self._read.pieces():
                yield piece
            self._read.release()
        if self._unkept:
            yield self._unkept
        passed = 0
        while piece := await self._source.readany():
            passed += len(piece)
            yield piece
        self.size_bytes = max(self.size_bytes, passed)

    def facts(self, coding: bytes | None) -> BodyFacts:
        """Nothing is known of a body that is not here."""
        return NO_FACTS

    def release(self) -> None:
        """Give back what was kept."""
        if self._read is not None:
            self._read.release()


RequestBody = StoredBody | PassingBody


async def store_body(
    source: BodySource,
    declared_bytes: int | None,
    space: BufferSpace,
    *,
    limit_bytes: int,
    memory_bytes: int,
    spool_bytes: int,
) -> RequestBody:
    """Read a body so that it can be sent again, or pass it on once where no space is left.

    declared_bytes: its content-length; limit_bytes: of one body; memory_bytes, spool_bytes: of all
    bodies together. Raises BodyTooLarge as soon as that is known.
    """
    if declared_bytes is not None and declared_bytes > limit_bytes:
        raise BodyTooLarge(declared_bytes)
    if declared_bytes == 0 or source.at_eof():
        return StoredBody(space, b"", None, 0)
    spooled = declared_bytes is not None and declared_bytes > MEMORY_BYTES
    store = _Store(space, memory_bytes, spool_bytes)
    try:
        fits = store.to_file(declared_bytes or 0) if spooled else True
        while fits and (piece := await source.readany()):
            if store.size_bytes + len(piece) > limit_bytes:
                raise BodyTooLarge(store.size_bytes + len(piece))
            fits = store.add(piece)
    except BaseException:
        store.drop()
        raise
    if fits:
        return store.body()
    return PassingBody(store.body(), source, declared_bytes, store.unkept)


class _Store:
    """A body as it grows: in memory first, in a file past `MEMORY_BYTES` or when memory is short.

    unkept: the last piece, where the disk had no room for it.
    """

    def __init__(self, space: BufferSpace, memory_bytes: int, spool_bytes: int) -> None:
        self._space = space
        self._memory_bytes = memory_bytes
        self._spool_bytes = spool_bytes
        self._parts: list[bytes] = []
        self._file: int | None = None
        self.size_bytes = 0
        self.unkept = b""

    def add(self, piece: bytes) -> bool:
        """Keep a piece; False when no further one can be kept."""
        if self._file is not None:
            if not _write_all(self._file, piece):
                self.unkept = piece
                return False
            self.size_bytes += len(piece)
            self._space.spool_bytes += len(piece)
            return self._space.spool_bytes <= self._spool_bytes
        self.size_bytes += len(piece)
        self._parts.append(piece)
        self._space.memory_bytes += len(piece)
        if self.size_bytes <= MEMORY_BYTES and self._space.memory_bytes <= self._memory_bytes:
            return True
        return self.to_file(self.size_bytes)

    def to_file(self, expected_bytes: int) -> bool:
        """Go on in a file; False when the spool has no room or there is no place to write."""
        if self._space.spool_bytes + expected_bytes > self._spool_bytes:
            return False
        try:
            file, path = tempfile.mkstemp(prefix="claude-sidecar-")
        except OSError:
            return False
        Path(path).unlink()
        kept = b"".join(self._parts)
        if not _write_all(file, kept):
            os.close(file)
            return False
        self._file = file
        self._parts.clear()
        self._space.memory_bytes -= len(kept)
        self._space.spool_bytes += len(kept)
        return True

    def body(self) -> StoredBody:
        return StoredBody(self._space, b"".join(self._parts), self._file, self.size_bytes)

    def drop(self) -> None:
        with contextlib.suppress(OSError):
            self.body().release()


def _write_all(file: int, data: bytes) -> bool:
    """Whether all of it could be written: a disk may be full."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(file, view) :]
    except OSError:
        return False
    return True

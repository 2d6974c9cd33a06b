"""A request's body as it grows: in memory while it is small and there is room, else in an unlinked file."""

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from claude_sidecar.proxy.buffer_space import MEMORY_BYTES, BodyRoom

_PIECE_BYTES = 256 << 10


class BodyStore:
    """Keeps what it is given, as far as there is room.

    size_bytes: so much is kept; trouble: why there was no room, the last time there was none.
    """

    __slots__ = ("_file", "_memory_taken", "_parts", "_spool_taken", "room", "size_bytes", "trouble")

    def __init__(self, room: BodyRoom, whole: bytes = b"") -> None:
        """whole: a body for which room in memory is taken already."""
        self.room = room
        self.size_bytes = self._memory_taken = len(whole)
        self._parts = [whole] if whole else []
        self._file: int | None = None
        self._spool_taken = 0
        self.trouble = ""

    @property
    def spooled(self) -> bool:
        """Whether the body is in a file."""
        return self._file is not None

    def reserve(self, size_bytes: int) -> bool:
        """Take room for a body of a known size; False where there is none now."""
        if size_bytes <= MEMORY_BYTES and self._hold_memory(size_bytes):
            return True
        return self._to_file(size_bytes)

    def add(self, piece: bytes) -> bool:
        """Keep a piece; False where there is no room for it now, and nothing of it is kept."""
        size = self.size_bytes + len(piece)
        if self._file is None:
            if size <= MEMORY_BYTES and self._hold_memory(size):
                self._parts.append(piece)
                self.size_bytes = size
                return True
            if not self._to_file(size):
                return False
        if not (self._hold_spool(size) and self._write(piece, self.size_bytes)):
            return False
        self.size_bytes = size
        return True

    def in_memory(self) -> bytes:
        """All that is kept, where it is in memory."""
        if len(self._parts) != 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0]

    async def pieces(self) -> AsyncIterator[bytes]:
        """All that is kept, from the beginning, each time anew."""
        if self._file is None:
            yield self.in_memory()
            return
        offset = 0
        while offset < self.size_bytes:
            piece = os.pread(self._file, min(_PIECE_BYTES, self.size_bytes - offset), offset)
            if not piece:
                raise OSError("the spooled body is shorter than it was")
            offset += len(piece)
            yield piece

    def read_all(self) -> bytes:
        """The whole body at once, for what needs it so."""
        return self.in_memory() if self._file is None else os.pread(self._file, self.size_bytes, 0)

    def release(self) -> None:
        """Give all room back; safe to call twice."""
        if self._file is not None:
            os.close(self._file)
        self._file = None
        self._parts = []
        self.size_bytes = 0
        self.room.give_back(self._memory_taken, self._spool_taken)
        self._memory_taken = self._spool_taken = 0

    def _hold_memory(self, size_bytes: int) -> bool:
        more = max(0, size_bytes - self._memory_taken)
        if more and not self.room.take_memory(more):
            return False
        self._memory_taken += more
        return True

    def _hold_spool(self, size_bytes: int) -> bool:
        more = max(0, size_bytes - self._spool_taken)
        if more and not self.room.take_spool(more):
            mib = self.room.spool_bytes >> 20
            self.trouble = f"limits.spoolMiB, {mib} MiB for all bodies together, is used up"
            return False
        self._spool_taken += more
        return True

    def _to_file(self, size_bytes: int) -> bool:
        """Go on in a file with room for `size_bytes`."""
        if not self._hold_spool(size_bytes):
            return False
        try:
            self._file, path = tempfile.mkstemp(prefix="claude-sidecar-")
            Path(path).unlink()
        except OSError as error:
            self.trouble = f"no temporary file can be made (in TMPDIR, else /tmp): {error.strerror}"
            self._leave_file()
            return False
        if not self._write(self.in_memory(), 0):
            self._leave_file()
            return False
        self._parts = []
        self.room.give_back(self._memory_taken, 0)
        self._memory_taken = 0
        return True

    def _leave_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self.room.give_back(0, self._spool_taken)
        self._spool_taken = 0

    def _write(self, piece: bytes, offset: int) -> bool:
        """Whether all of it could be written at that place: a disk may be full."""
        assert self._file is not None
        view = memoryview(piece)
        try:
            while view:
                written = os.pwrite(self._file, view, offset)
                view, offset = view[written:], offset + written
        except OSError as error:
            self.trouble = f"the temporary file (in TMPDIR, else /tmp) can't be written: {error.strerror}"
            return False
        return True

"""The room that request bodies and held streams may take up, in memory and on disk: waiting for it, and
making it, where the stream that is held longest is committed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from claude_sidecar import clock

MEMORY_BYTES = 1 << 20
"""A body up to this size may be kept in memory."""

_LONGEST_WAIT_S = 10.0
_LOOKS_AGAIN_S = 1.0
"""A full disk may be emptied by others, who don't say so."""


class NoRoom(Exception):
    """No room came in time; `why` says what it lacked, `waited_s` how long it was waited for."""

    def __init__(self, why: str, waited_s: float) -> None:
        super().__init__(why)
        self.why = why
        self.waited_s = waited_s


class BufferSpace:
    """The bytes that all bodies and held streams take up; told what is taken and given back."""

    def __init__(self) -> None:
        self.memory_bytes = 0
        self.spool_bytes = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def given_back(self) -> None:
        """Some room is free again: let those who wait look."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def freed(self, within_s: float) -> None:
        """Wait until room is given back, at most `within_s`."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait((future,), timeout=within_s)
        finally:
            self._waiting.discard(future)


@dataclass(slots=True)
class BodyRoom:
    """One call's view of the space. memory_bytes, spool_bytes: limits of all bodies together, by policy."""

    space: BufferSpace
    memory_bytes: int
    spool_bytes: int

    def could_ever_hold(self, size_bytes: int) -> bool:
        """Whether a body of this size fits once all others are gone."""
        in_memory = self.memory_bytes if size_bytes <= MEMORY_BYTES else 0
        return size_bytes <= max(in_memory, self.spool_bytes)

    def take_memory(self, size_bytes: int) -> bool:
        """Take room in memory; False where there is none."""
        if self.space.memory_bytes + size_bytes > self.memory_bytes:
            return False
        self.space.memory_bytes += size_bytes
        return True

    def take_spool(self, size_bytes: int) -> bool:
        """Take room on disk; False where there is none."""
        if self.space.spool_bytes + size_bytes > self.spool_bytes:
            return False
        self.space.spool_bytes += size_bytes
        return True

    def give_back(self, memory_bytes: int, spool_bytes: int) -> None:
        """Give back what was taken."""
        if memory_bytes or spool_bytes:
            self.space.memory_bytes -= memory_bytes
            self.space.spool_bytes -= spool_bytes
            self.space.given_back()

    async def wait_until(self, fits: Callable[[], bool], by_s: float, why: Callable[[], str]) -> None:
        """Wait until `fits` says so: at most 10 s, and not past `by_s` on the loop's clock. Raises NoRoom."""
        began = clock.now()
        by_s = min(by_s, began + _LONGEST_WAIT_S)
        while not fits():
            now = clock.now()
            if now >= by_s:
                raise NoRoom(why(), now - began)
            await self.space.freed(min(by_s - now, _LOOKS_AGAIN_S))


class HeldRoom:
    """Knows the streams that are held, the longest held first."""

    def __init__(self, space: BufferSpace) -> None:
        self.space = space
        self.held: dict[HeldShare, Callable[[], None]] = {}

    def share(self, commit: Callable[[], None]) -> "HeldShare":
        """The share of a stream that begins to be held; commit: ends its hold."""
        share = HeldShare(self)
        self.held[share] = commit
        return share


class HeldShare:
    """What one stream takes of the room."""

    __slots__ = ("_released", "_room", "size_bytes")

    def __init__(self, room: HeldRoom) -> None:
        self._room = room
        self._released = False
        self.size_bytes = 0

    def grow(self, size_bytes: int, limit_bytes: int) -> None:
        """Take more: the longest held are committed until what is held keeps within the limit.

        limit_bytes: `limits.maxBufferedMiB`.
        """
        if self._released:
            return
        self.size_bytes += size_bytes
        space, held = self._room.space, self._room.held
        space.memory_bytes += size_bytes
        while held and space.memory_bytes > limit_bytes:
            longest = next(iter(held))
            commit = held[longest]
            longest.release()
            commit()

    def settle(self) -> None:
        """The hold is over; the bytes stay where they are."""
        self._room.held.pop(self, None)

    def release(self) -> None:
        """The bytes are gone, or on their way; safe to call twice."""
        if not self._released:
            self._released = True
            self.settle()
            self._room.space.memory_bytes -= self.size_bytes
            self._room.space.given_back()

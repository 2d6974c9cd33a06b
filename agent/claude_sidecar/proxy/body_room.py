"""The room that request bodies may take up, in memory and on disk, and waiting for it."""

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
    """The bytes that all bodies take up; told what is taken and given back."""

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

    @property
    def keeps_nothing(self) -> bool:
        """Whether the policy leaves bodies no room at all."""
        return not (self.memory_bytes or self.spool_bytes)

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

"""The way of a request's bytes into its connection, as fast as the connection takes them."""

import asyncio
from collections.abc import Sequence

_JOINED_BYTES = 64 << 10


class Outflow:
    """Writes, and knows whether the send buffer is full (`paused`)."""

    __slots__ = ("_loop", "_waiter", "paused")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self.paused = False

    def write(self, transport: asyncio.WriteTransport, parts: Sequence[bytes | memoryview]) -> None:
        """Send part after part: small ones as one, large ones without a copy of all."""
        joined = sum(map(len, parts)) <= _JOINED_BYTES
        # Not writelines: CPython 3.12.0 to 3.13.1 does not hold back writers there (CVE-2024-12254).
        for part in (b"".join(parts),) if joined else parts:
            transport.write(part)

    async def drained(self) -> None:
        """Wait until more may be written, or nobody need wait any more."""
        if not self.paused:
            return
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def wake(self) -> None:
        """Let go of who waits, though the buffer may be full."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

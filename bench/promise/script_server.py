"""A server whose every answer is a script; it runs on whatever loop it is started: sockets or memory."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httptools

from bench.promise.answers import After, Script
from bench.promise.memory_transport import MemoryTransport

Lines = dict[str, str]
"""A request's header lines, names in lower case."""


class ScriptServer:
    """Plays to each request what `answer` says, which is given its header lines once all of it is in."""

    def __init__(self, answer: Callable[[Lines], Script]) -> None:
        self.answer = answer
        self.port = 0
        self._listening: Any = None
        self._connections: set[_Connection] = set()

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[None]:
        """Listen on loopback; port: 0 for any that is free."""
        await self.listen(port)
        try:
            yield
        finally:
            self.refuse()

    async def listen(self, port: int) -> None:
        """Take connections."""
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: _Connection(self, loop), "127.0.0.1", port)
        self.port = self._listening.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Take none, and let none live."""
        self._listening.close()
        for connection in list(self._connections):
            connection.transport.abort()

    def opened(self, connection: "_Connection") -> None:
        """A connection stands."""
        self._connections.add(connection)

    def lost(self, connection: "_Connection") -> None:
        """A connection is gone."""
        self._connections.discard(connection)


class _Connection(asyncio.Protocol):
    def __init__(self, server: ScriptServer, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._lines: Lines = {}
        self._parser = httptools.HttpRequestParser(self)
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._server.lost(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._lines = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self._lines[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_message_complete(self) -> None:
        script = self._server.answer(self._lines)
        self._play(iter(script.pieces), script.after)

    def _play(self, pieces: Iterator[tuple[float, bytes]], after: After | None) -> None:
        """Write the next piece when it is due, and so on to the end."""
        for delay_s, data in pieces:
            if delay_s:
                self._timer = self._loop.call_later(delay_s, self._play_on, data, pieces, after)
                return
            self.transport.write(data)
        self._end(after)

    def _play_on(self, data: bytes, pieces: Iterator[tuple[float, bytes]], after: After | None) -> None:
        self.transport.write(data)
        self._play(pieces, after)

    def _end(self, after: After | None) -> None:
        if after is After.CLOSE:
            self.transport.close()
        elif after is After.RESET:
            reset(self.transport)


def reset(transport: Any) -> None:
    """End a connection so that the other side sees a reset."""
    if isinstance(transport, MemoryTransport):
        transport.reset()
        return
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    transport.abort()

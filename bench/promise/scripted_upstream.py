"""An upstream that plays a behaviour, on whatever loop it is started: sockets or memory, real time or not."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httptools

from bench.promise.answers import After, Script, bad, good
from bench.promise.behaviour import Behaviour, Ill
from bench.promise.memory_transport import MemoryTransport

CALL_HEADER = "x-call"
"""Which of the behaviour's calls a request belongs to; it comes through a sidecar like any header."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request: its call, how often its SDK says it repeated it, when it was in, its header lines."""

    call: int
    repeats: int
    at_s: float
    lines: dict[str, str]


class ScriptedUpstream:
    """Answers by a behaviour and keeps a ledger; unix_s: wall time, for dates."""

    def __init__(self, behaviour: Behaviour, unix_s: Callable[[], float]) -> None:
        self._behaviour = behaviour
        self._unix_s = unix_s
        self._met = [0] * len(behaviour.calls)
        self._began_s = 0.0
        self._connections: set[_Connection] = set()
        self._listening: Any = None
        self.ledger: list[Seen] = []
        self.port = 0

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["ScriptedUpstream"]:
        """Serve; the behaviour's clock begins now. port: 0 for any that is free."""
        loop = asyncio.get_running_loop()
        self._began_s = loop.time()
        await self._listen(port)
        refusing = asyncio.ensure_future(self._refuse())
        await asyncio.sleep(0)  # an outage from the first moment on is there before any call
        try:
            yield self
        finally:
            refusing.cancel()
            await asyncio.gather(refusing, return_exceptions=True)
            self._stop()

    async def _listen(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: _Connection(self, loop), "127.0.0.1", port)
        self.port = self._listening.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        """Let no connection in, and none live, while an outage refuses them."""
        outage = self._behaviour.outage
        if outage is None or outage.fault.ill is not Ill.REFUSED:
            return
        if outage.begins_s:
            await asyncio.sleep(outage.begins_s)
        self._stop()
        await asyncio.sleep(outage.ends_s - outage.begins_s)
        await self._listen(self.port)

    def _stop(self) -> None:
        self._listening.close()
        for connection in list(self._connections):
            connection.transport.abort()

    def opened(self, connection: "_Connection") -> None:
        """A connection stands."""
        self._connections.add(connection)

    def lost(self, connection: "_Connection") -> None:
        """A connection is gone."""
        self._connections.discard(connection)

    def answer(self, lines: dict[str, str], at_s: float) -> Script:
        """Note a request, and say what it gets."""
        call = int(lines.get(CALL_HEADER, "0"))
        since_s = at_s - self._began_s
        self.ledger.append(Seen(call, int(lines.get("x-stainless-retry-count", "0")), since_s, lines))
        plan = self._behaviour.calls[call]
        outage = self._behaviour.outage
        if outage is not None and outage.covers(since_s):
            return bad(plan.kind, call, outage.fault, self._unix_s())
        met = self._met[call]
        if met < len(plan.faults):
            self._met[call] += 1
            return bad(plan.kind, call, plan.faults[met], self._unix_s())
        return good(plan.kind, call, plan.pace)


class _Connection(asyncio.Protocol):
    def __init__(self, upstream: ScriptedUpstream, loop: asyncio.AbstractEventLoop) -> None:
        self._upstream = upstream
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._lines: dict[str, str] = {}
        self._parser = httptools.HttpRequestParser(self)
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._upstream.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._upstream.lost(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._lines = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        self._lines[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_message_complete(self) -> None:
        script = self._upstream.answer(self._lines, self._loop.time())
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

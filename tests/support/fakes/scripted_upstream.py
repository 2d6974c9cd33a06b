"""An upstream that speaks the bytes it is told to, and keeps the bytes it was sent."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from support.fakes.loopback_server import serving

from claude_sidecar import clock


@dataclass(frozen=True)
class Pause:
    """Say nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Reset:
    """Break the connection with a RST."""


@dataclass(frozen=True)
class Close:
    """Close the connection in an orderly way."""


@dataclass(frozen=True)
class Hang:
    """Say nothing until the peer has gone; the request's `gone_at` tells when that was."""


@dataclass(frozen=True)
class Until:
    """Wait for an event of the test's."""

    event: asyncio.Event


@dataclass(frozen=True)
class Endless:
    """Write these bytes again and again until the peer has gone or so many bytes are out."""

    data: bytes
    most_bytes: int = 1 << 30


@dataclass(frozen=True)
class BeforeBody:
    """As the first step: begin to answer once the head is in, the body is never read."""


Step = bytes | Pause | Reset | Close | Hang | Until | Endless | BeforeBody
Script = bytes | Sequence[Step]


@dataclass
class Request:
    """One request as it came. body: framing taken off; connection: counted from 0; at: loop seconds."""

    head: bytes
    body: bytes
    connection: int
    at: float
    gone_at: float | None = None
    written: int = 0

    @property
    def start_line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    @property
    def lines(self) -> list[tuple[bytes, bytes]]:
        """Header lines, value without the space behind the colon."""
        pairs = (line.split(b":", 1) for line in self.head.split(b"\r\n")[1:-2])
        return [(name, value.removeprefix(b" ")) for name, value in pairs]

    def header(self, name: bytes) -> bytes | None:
        return next((value for given, value in self.lines if given.lower() == name), None)


@dataclass
class ScriptedUpstream:
    """Answers the n-th request by the n-th script, those after the last by `otherwise`.

    Without a script for it, a request hangs. greeting: a script played at each connection before any request.
    """

    scripts: list[Script] = field(default_factory=list)
    otherwise: Script = field(default_factory=lambda: [Hang()])
    greeting: Script | None = None
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    port: int = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["ScriptedUpstream"]:
        async with serving(self._serve, self.tls) as self.port:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = self.connections
        self.connections += 1
        self.open += 1
        try:
            if self.greeting is not None:
                hello = Request(b"", b"", number, asyncio.get_running_loop().time())
                if not await self._play(self.greeting, hello, reader, writer):
                    return
            while await self._exchange(number, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.transport.abort()

    async def _exchange(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        loop = asyncio.get_running_loop()
        head = await reader.readuntil(b"\r\n\r\n")
        position = len(self.requests)
        script = self.scripts[position] if position < len(self.scripts) else self.otherwise
        request = Request(head, b"", number, loop.time())
        self.requests.append(request)
        early = not isinstance(script, bytes) and script and isinstance(script[0], BeforeBody)
        if not early:
            try:
                await _read_body(request, reader)
            except (ConnectionError, asyncio.IncompleteReadError):
                request.gone_at = loop.time()
                raise
        return await self._play(script, request, reader, writer)

    async def _play(
        self,
        script: Script,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        try:
            for step in [script] if isinstance(script, bytes) else script:
                if not await _take(step, request, reader, writer):
                    return False
        except ConnectionError:
            request.gone_at = asyncio.get_running_loop().time()
            raise
        return True


async def _take(
    step: Step, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Play one step; False when the connection is over."""
    match step:
        case bytes():
            writer.write(step)
            await writer.drain()
            request.written += len(step)
        case Pause(seconds):
            await clock.sleep(seconds)
        case Until(event):
            await event.wait()
        case Endless(data, most):
            while request.written < most:
                writer.write(data)
                await writer.drain()
                request.written += len(data)
        case Hang():
            with contextlib.suppress(ConnectionError):
                while await reader.read(1 << 16):
                    pass
            request.gone_at = asyncio.get_running_loop().time()
            return False
        case Close():
            writer.close()
            return False
        case Reset():
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        case BeforeBody():
            pass
    return True


async def _read_body(request: Request, reader: asyncio.StreamReader) -> None:
    if (request.header(b"transfer-encoding") or b"").lower() == b"chunked":
        body = bytearray()
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        request.body = bytes(body)
    else:
        request.body = await reader.readexactly(int(request.header(b"content-length") or 0))

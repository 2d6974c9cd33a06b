"""A reverse proxy that does to requests and answers what bad ones do."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from support.fakes.loopback_server import serving


@dataclass
class BadProxy:
    """Forwards to a port on this machine, one request a connection.

    strips: header names (lower case) that do not go on; replaces: values put in their place; answers: bytes
    for a path's beginning, sent instead of asking; tls: how it speaks to callers.
    """

    leads_to: int
    strips: frozenset[bytes] = frozenset()
    replaces: Mapping[bytes, bytes] = field(default_factory=dict)
    answers: Mapping[bytes, bytes] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    port: int = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["BadProxy"]:
        async with serving(self._serve, self.tls) as self.port:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            start, *lines = head[:-4].split(b"\r\n")
            path = start.split(b" ")[1]
            own = next((said for begin, said in self.answers.items() if path.startswith(begin)), None)
            if own is not None:
                writer.write(own)
                await writer.drain()
                return
            there, back = await asyncio.open_connection("127.0.0.1", self.leads_to)
            kept = [self._line(line) for line in lines if _name(line) not in self.strips]
            back.write(b"\r\n".join([start, *kept, b"connection: close", b"", b""]))
            size = next((int(line.split(b":")[1]) for line in lines if _name(line) == b"content-length"), 0)
            back.write(await reader.readexactly(size))
            while data := await there.read(1 << 16):
                writer.write(data)
                await writer.drain()
            back.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    def _line(self, line: bytes) -> bytes:
        value = self.replaces.get(_name(line))
        return line if value is None else _name(line) + b": " + value


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()


def answer(status: str, body: bytes = b"", *lines: bytes) -> bytes:
    """A whole answer."""
    head = [f"HTTP/1.1 {status}".encode(), b"content-length: %d" % len(body), *lines, b"connection: close"]
    return b"\r\n".join([*head, b"", body])

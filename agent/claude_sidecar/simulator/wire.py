"""Puts HTTP/1.1 answers on the wire byte by byte, the malformed ones too.

aiohttp parses requests and keeps connections; it will not write a wrong answer, and a simulator must.
"""

import asyncio
import socket
import struct
from collections.abc import Sequence

from aiohttp import web
from aiohttp.http import HttpVersion11

REASONS = {
    200: "OK",
    202: "Accepted",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Payload Too Large",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_BODILESS = (204, 304)
_SETTLE_S = 0.005


class Gone(Exception):
    """The caller has closed the connection."""


class Written(web.StreamResponse):
    """Tells aiohttp that the answer is on the wire, and whether the connection may be used again."""

    def __init__(self, *, keep: bool) -> None:
        super().__init__()
        if keep:
            self._keep_alive = True
        else:
            self.force_close()

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing is left to prepare."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""


class Wire:
    """The answering side of one request. *sent* counts every byte handed to the connection."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._bodiless = request.method == "HEAD"
        self.chunks = request.version >= HttpVersion11
        self.keep = request.keep_alive
        self.sent = 0

    def done(self) -> Written:
        """What the request handler returns."""
        return Written(keep=self.keep)

    async def go_on(self) -> None:
        """Tell a caller that waits for `100 Continue` to send its body."""
        if self._request.headers.get("expect", "").lower() == "100-continue":
            await self.raw(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        """Write *data* as it is; raises `Gone`."""
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise Gone
        transport.write(data)
        self.sent += len(data)
        try:
            await self._request.writer.drain()
        except ConnectionError:
            raise Gone from None

    async def head(self, status: int, headers: Sequence[tuple[str, str]], reason: str | None = None) -> None:
        """The status line and the header lines, in the case and order given."""
        if status in _BODILESS:
            self._bodiless = True
        await self.raw(head_bytes(status, headers, reason))

    async def body(self, data: bytes) -> None:
        """Body bytes, except where the request or status allows none."""
        if not self._bodiless and data:
            await self.raw(data)

    async def chunk(self, data: bytes, *, part: int | None = None) -> None:
        """One chunk; with *part* only its first bytes, the declared size being that of all of it."""
        if self._bodiless or not data:
            return
        shown = data if part is None else data[:part]
        if not self.chunks:
            await self.raw(shown)
        else:
            await self.raw(b"%x\r\n%s%s" % (len(data), shown, b"\r\n" if part is None else b""))

    async def last_chunk(self) -> None:
        """The proper end of a chunked body; without chunks the connection's end is the end."""
        if self.chunks and not self._bodiless:
            await self.raw(b"0\r\n\r\n")
        elif not self.chunks:
            self.keep = False

    async def settled(self) -> None:
        """Wait until the kernel has taken everything, for about a second at most."""
        for _ in range(200):
            transport = self._request.transport
            if transport is None or not transport.get_write_buffer_size():
                return
            await asyncio.sleep(_SETTLE_S)

    async def reset(self) -> None:
        """End the connection with RST, after what was written has had a moment to arrive."""
        self.keep = False
        if self.sent:
            await self.settled()
            await asyncio.sleep(_SETTLE_S)
        transport = self._request.transport
        if transport is not None:
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()

    async def close(self) -> None:
        """End the connection with FIN, whatever the answer still lacks."""
        self.keep = False
        transport = self._request.transport
        if transport is not None:
            transport.close()


def head_bytes(status: int, headers: Sequence[tuple[str, str]], reason: str | None = None) -> bytes:
    """A status line and header lines as bytes. 529 and other unlisted codes have an empty reason phrase."""
    phrase = REASONS.get(status, "") if reason is None else reason
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")

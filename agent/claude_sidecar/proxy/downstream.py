"""The caller's side of a response: head and body bytes written as they are, with back-pressure."""

import socket
import struct
from typing import TYPE_CHECKING, cast

from claude_sidecar import clock
from claude_sidecar.proxy import web
from claude_sidecar.wire.headers import HeaderLines, render
from claude_sidecar.wire.sse import PING

if TYPE_CHECKING:
    from aiohttp.http_writer import StreamWriter

_DRAIN_AT_BYTES = 64 << 10
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Linger for no time: what is unsent is dropped, and the connection is reset (socket(7), `SO_LINGER`)."""


class CallerGone(ConnectionError):
    """The caller closed its connection."""


class Downstream(web.StreamResponse):
    """What the handler returns to aiohttp: a response that has been written already.

    started, ended: its head, its last byte is written; sent_at: when anything was, on the loop's clock.

    aiohttp's own response would set the case of header names anew, add Date and Server, and could not
    carry header values that are not UTF-8.
    """

    def __init__(self, request: web.BaseRequest) -> None:
        super().__init__()
        self._connection = request.protocol
        self._writer = cast("StreamWriter", request.writer)
        self._http_1_0 = request.version < (1, 1)
        self._close_asked = not request.keep_alive
        self._keep_alive = request.keep_alive
        self._chunked_body = False
        self._unsent_bytes = 0
        self.started = False
        self.ended = False
        self.sent_at = 0.0
        self.first_byte_at: float | None = None
        self.first_chunk_at: float | None = None

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing is left to prepare."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Everything has been written."""

    def start(
        self, status: int, reason: bytes, lines: HeaderLines, first: bytes, *, sized: bool, last: bool
    ) -> None:
        """Write the head and the body's first bytes in one go.

        sized: the lines carry a content-length, or the status allows no body; else the body is chunked
        (for HTTP/1.0: ended by closing). last: there is no more.
        """
        self.started = True
        self.ended = last
        self.first_byte_at = self.sent_at = clock.now()
        if first:
            self.first_chunk_at = self.first_byte_at
        added = list(lines)
        if not sized:
            if self._http_1_0:
                self._keep_alive = False
            else:
                self._chunked_body = True
                added.append((b"transfer-encoding", b"chunked"))
        if self._http_1_0 and self._keep_alive:
            added.append((b"connection", b"keep-alive"))
        elif self._close_asked or not self._keep_alive:
            added.append((b"connection", b"close"))
        head = render(b"HTTP/1.1 %d %b" % (status, reason), added)
        self._write(head + self._framed(first, last))

    async def write_body(self, data: bytes, *, last: bool = False) -> None:
        """Write body bytes at once; waits while the caller reads slowly."""
        if self.put(data, last=last):
            await self.drain()

    def put(self, data: bytes, *, last: bool = False) -> bool:
        """Write body bytes; whether so many have been written that it is time to `drain`."""
        self.ended = self.ended or last
        framed = self._framed(data, last)
        if framed:
            self.sent_at = clock.now()
            if data and self.first_chunk_at is None:
                self.first_chunk_at = self.sent_at
            self._write(framed)
            self._unsent_bytes += len(framed)
        return self._unsent_bytes > _DRAIN_AT_BYTES

    async def drain(self) -> None:
        """Wait while the caller reads slowly."""
        self._unsent_bytes = 0
        await self._writer.drain()

    def end(self, data: bytes) -> None:
        """Write the last bytes of a body that has begun."""
        self.ended = True
        self._write(self._framed(data, last=True))

    def ping(self) -> None:
        """Write a ping of ours into a stream that has begun; must fall between two events.

        Where the caller has not read what was written before, that will do: nothing is heaped up.
        """
        transport = self._connection.transport
        if self.ended or transport is None or transport.is_closing():
            return
        self.sent_at = clock.now()
        if not transport.get_write_buffer_size():
            self._write(self._framed(PING, last=False))

    def interim(self, line: bytes) -> None:
        """Write an interim response such as `HTTP/1.1 100 Continue`."""
        self._write(line + b"\r\n\r\n")

    def close_now(self) -> None:
        """Close immediately after the buffered bytes are flushed: a caller that reuses connections must not
        find this one still open."""
        self._keep_alive = False
        if self._connection.transport is not None:
            self._connection.transport.close()

    def close_after(self) -> None:
        """Close the connection once this response is out."""
        self._keep_alive = False

    def cut(self) -> None:
        """Break the response off so that the caller sees it broken: no final chunk, no graceful end."""
        self._keep_alive = False
        transport = self._connection.transport
        if transport is None:
            return
        if self._http_1_0 and not self._chunked_body:
            # There the close is the end of the body: only a reset tells that it is not whole. Without
            # this option one is sent only where bytes of the caller lie unread.
            connection = transport.get_extra_info("socket")
            if connection is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()
        else:
            transport.close()

    def _framed(self, data: bytes, last: bool) -> bytes:
        if not self._chunked_body:
            return data
        end = b"0\r\n\r\n" if last else b""
        return b"%x\r\n%b\r\n%b" % (len(data), data, end) if data else end

    def _write(self, data: bytes) -> None:
        transport = self._connection.transport
        if transport is None or transport.is_closing():
            raise CallerGone("the caller has gone")
        transport.write(data)

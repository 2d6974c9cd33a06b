"""One reader of a stream of events: what it is sent waits in a queue that is short, or it is given up."""

import asyncio
import contextlib
import socket

from claude_sidecar.proxy import web
from claude_sidecar.proxy.port import PortConnection

_MOST_WAITING = 16
_WRITE_S = 10.0
"""For a reader to take an event, once the buffers between are full."""
_BUFFER_BYTES = 128 << 10
"""Of the socket; the kernel would let it grow to megabytes for a reader that does not read."""


class EventReader:
    """Writes events to one page. A page that does not read them loses its connection."""

    def __init__(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        self._request = request
        self._response = response
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)

    def send(self, event: bytes) -> None:
        """Have an event written; it is the last one where too many wait."""
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self._give_up()

    def end(self) -> None:
        """Have the stream ended."""
        with contextlib.suppress(asyncio.QueueFull):
            # A reader that is this far behind is given up by the next event, or by its time.
            self._waiting.put_nowait(None)

    async def read_until_end(self) -> None:
        """Write what is sent until the end, or until the page is gone."""
        self._prepare_connection()
        try:
            await self._response.prepare(self._request)
            while (event := await self._waiting.get()) is not None:
                async with asyncio.timeout(_WRITE_S):
                    await self._response.write(event)
        except TimeoutError:
            self._give_up()
        except ConnectionError:
            return

    def _prepare_connection(self) -> None:
        if isinstance(self._request.protocol, PortConnection):
            self._request.protocol.end_with_caller()
        transport = self._request.transport
        sock = transport.get_extra_info("socket") if transport is not None else None
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)

    def _give_up(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()

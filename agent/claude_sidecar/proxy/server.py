"""The data port: aiohttp's HTTP server, with its parser's complaints put in our words."""

from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from claude_sidecar.proxy.handler import Handler

_LINE_BYTES = 64 << 10
_HEADER_LINES = 500
_HEAD_BYTES = 3 * _LINE_BYTES
"""Of a head that has not ended: a target and a block of headers of 64 KiB each, and room to spare."""
_NO_HEADER = b"\r\n\0\r\n"
_LINGER_S = 2.0
"""After an answer that came before the body's end: how long the rest is read and thrown away, so that
the caller gets to see the answer and not a reset."""


class DataServer(web.Server):
    """Makes a protocol for each of the app's connections."""

    def __init__(self, handler: Handler) -> None:
        self.calls = handler
        super().__init__(
            handler,
            handler_cancellation=True,
            auto_decompress=False,
            access_log=None,
            max_line_size=_LINE_BYTES,
            max_field_size=_LINE_BYTES,
            max_headers=_HEADER_LINES,
            lingering_time=_LINGER_S,
            tcp_keepalive=True,
        )

    def __call__(self) -> RequestHandler:
        """A protocol for one connection."""
        return _Protocol(self.calls, self, loop=self._loop, **self._kwargs)


class _Protocol(RequestHandler):
    """aiohttp's, but errors of its parser get our envelope, and the request's bytes never get into a log."""

    __slots__ = ("_calls", "_head_bytes")

    def __init__(self, calls: Handler, server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._calls = calls
        self._head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Hand on what came; a head that grows without end is refused, as aiohttp bounds its lines alone."""
        super().data_received(data)
        waiter = self._waiter
        if waiter is None or waiter.done():  # the head is whole
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > _HEAD_BYTES:
            super().data_received(_NO_HEADER)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what aiohttp's parser refused; the handler answers all else itself."""
        return self._calls.refuse_unreadable(request)

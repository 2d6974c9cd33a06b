"""The data port: aiohttp's HTTP server, with its parser's complaints put in our words."""

from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from claude_sidecar.proxy.handler import Handler

_LINE_BYTES = 64 << 10
_HEADER_LINES = 500
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

    __slots__ = ("_calls",)

    def __init__(self, calls: Handler, server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._calls = calls

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what aiohttp's parser refused; the handler answers all else itself."""
        return self._calls.refuse_unreadable(request)

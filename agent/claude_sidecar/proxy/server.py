"""The data port: aiohttp's HTTP server, with its parser's complaints put in our words."""

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from claude_sidecar import clock
from claude_sidecar.policy.cause import Cause
from claude_sidecar.proxy.answer_head import own_error_lines, reason_of
from claude_sidecar.proxy.downstream import Downstream
from claude_sidecar.proxy.handler import Handler
from claude_sidecar.proxy.own_error import OwnError, Refusal
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.wire.error_body import own_error

_LINE_BYTES = 64 << 10
_HEADER_LINES = 500
_LINGER_S = 2.0
"""After an answer that came before the body's end: how long the rest is read and thrown away, so that
the caller gets to see the answer and not a reset."""

_NOT_HTTP = Refusal(
    OwnError.BAD_REQUEST,
    "this is not an HTTP/1.1 request that can be forwarded; check the client's framing and headers",
    closes=True,
)


class DataServer(web.Server):
    """Makes a protocol for each of the app's connections."""

    def __init__(self, handler: Handler) -> None:
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
        return _Protocol(self, loop=self._loop, **self._kwargs)


class _Protocol(RequestHandler):
    """aiohttp's, but errors of its parser get our envelope, and the request's bytes never get into a log."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is not HTTP."""
        down = Downstream(request)
        record = CallRecord(f"sc_{clock.random_hex(24)}", "_OTHER", "", clock.now(), "", "")
        record.status, record.cause = 400, Cause.INVALID_REQUEST
        body = own_error(_NOT_HTTP.error.error_type, _NOT_HTTP.message, record.call_id)
        down.close_after()
        down.start(
            400, reason_of(400), own_error_lines(_NOT_HTTP, record, len(body)), body, sized=True, last=True
        )
        return down

"""The data port: aiohttp's HTTP server, with its parser's complaints put in our words."""

import asyncio
from typing import Any

from claude_sidecar.proxy import web
from claude_sidecar.proxy.caller_socket import caller_has_left
from claude_sidecar.proxy.handler import Handler
from claude_sidecar.proxy.port import Bounds, Port, PortConnection
from claude_sidecar.proxy.web import RequestHandler

_LINE_BYTES = 64 << 10
_HEADER_LINES = 500
_HEAD_S = 30.0
_IDLE_S = 300.0
"""Longer than most clients keep a connection themselves, so that it is they who close it."""
_LOOK_S = 0.05
"""How often a caller that has closed one side is looked for: it is to be missed within 100 ms."""


class DataPort(Port):
    """Makes a protocol for each of the app's connections."""

    def __init__(self, handler: Handler, connections: int) -> None:
        """connections: the most that are kept open."""
        self.calls = handler
        super().__init__(
            handler,
            Bounds(connections, _HEAD_S, _IDLE_S),
            handler_cancellation=True,
            auto_decompress=False,
            max_line_size=_LINE_BYTES,
            max_field_size=_LINE_BYTES,
            max_headers=_HEADER_LINES,
        )

    def __call__(self) -> RequestHandler:
        """A protocol for one connection."""
        return _AppConnection(self.calls, self, loop=self._loop, **self._kwargs)


class _AppConnection(PortConnection):
    """Errors of aiohttp's parser get our envelope, and the request's bytes never get into a log.

    A caller that closes its sending side gets its response; one that closes the whole connection is gone, and
    its call is cancelled. On the wire the two look the same, a FIN, until something is written, and for a
    long silent call nothing is. As the caller is on this machine, the kernel is asked whether it still holds
    its socket: when its FIN comes, and then every 50 ms, since closing the rest sends nothing more. Where the
    kernel can't be asked (no Linux, or a sandbox), a FIN counts as leaving: a response lost to the rare
    client that half-closes costs less than answers generated for nobody.

    Rejected: writing an interim response (102) and seeing whether it is refused. It may not go into a body,
    and there are clients that choke on it.
    """

    __slots__ = ("_calls", "_look_timer")

    def __init__(self, calls: Handler, port: Port, **options: Any) -> None:
        super().__init__(port, **options)
        self._calls = calls
        self._look_timer: asyncio.TimerHandle | None = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what aiohttp's parser refused; the handler answers all else itself."""
        return self._calls.refuse_unreadable(request)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The caller has closed its sending side, or everything."""
        if not super().eof_received() or self._caller_has_left():
            return False
        if self._look_timer is None:
            self._look_timer = self._loop.call_later(_LOOK_S, self._look)
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is gone."""
        if self._look_timer is not None:
            self._look_timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        self._look_timer = None
        if self.resting:
            self.force_close()
        elif self._caller_has_left():
            self._abort()
        else:
            self._look_timer = self._loop.call_later(_LOOK_S, self._look)

    def _caller_has_left(self) -> bool:
        transport = self.transport
        if transport is None:
            return True
        return caller_has_left(transport.get_extra_info("peername"), transport.get_extra_info("sockname"))

"""The admin port's connections: few, and none for long, as the pod network may reach it."""

from claude_sidecar.proxy import web
from claude_sidecar.proxy.admin import Admin
from claude_sidecar.proxy.port import Bounds, Port, PortConnection
from claude_sidecar.proxy.web import RequestHandler

_HEAD_S = 10.0
_IDLE_S = 75.0
"""Scrapers come every minute or sooner."""
_ANSWER_S = 10.0


class AdminPort(Port):
    """Makes a protocol for each caller of the admin port.

    aiohttp tells of what its parser refuses with the request's bytes and a traceback; here it is answered.
    """

    def __init__(self, admin: Admin, connections: int) -> None:
        """connections: the most that are kept open."""
        bounds = Bounds(connections, _HEAD_S, _IDLE_S, _ANSWER_S)
        # A page that is closed ends its stream of events.
        super().__init__(admin, bounds, handler_cancellation=True)

    def __call__(self) -> RequestHandler:
        """A protocol for one connection."""
        return _AdminConnection(self, loop=self._loop, **self._kwargs)


class _AdminConnection(PortConnection):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP; a bug of ours is logged."""
        if status == 500:
            return super().handle_error(request, status, exc, message)
        response = web.Response(status=400, text="this is not HTTP\n")
        response.force_close()
        return response

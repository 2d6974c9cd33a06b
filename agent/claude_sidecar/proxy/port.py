"""A port whose connections are bounded in number and in time: what data port and admin port share."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from claude_sidecar.proxy import web
from claude_sidecar.proxy.web import RequestHandler, RequestPayloadError, StreamReader

_HEAD_BYTES = 192 << 10
"""Of a head that has not ended: a target and a block of headers of 64 KiB each, and room to spare."""
_NO_HEADER = b"\r\n\0\r\n"
_LINGER_S = 2.0
"""After a response that came before the body's end: how long the rest is read and thrown away, so that
the caller gets to see the response and not a reset."""


_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """connections: how many are kept; for one more, the oldest that rests goes. head_s: from connecting, or
    from a later head's first byte, to the head's end. idle_s: between a response and the next head. answer_s:
    for a caller to read a response, None where it may take its time."""

    connections: int
    head_s: float
    idle_s: float
    answer_s: float | None = None


class Port(web.Server):
    """Makes a connection's protocol for each caller, and closes those that nobody needs."""

    def __init__(self, handler: _Handler, bounds: Bounds, **options: Any) -> None:
        """handler: answers requests; options: aiohttp's."""
        self.bounds = bounds
        super().__init__(
            handler,
            access_log=None,
            lingering_time=_LINGER_S,
            tcp_keepalive=True,
            keepalive_timeout=bounds.idle_s,
            **options,
        )

    def __call__(self) -> RequestHandler:
        """A protocol for one connection."""
        return PortConnection(self, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Count a connection; one too many costs the oldest that rests, else itself.

        Refusing the newest instead would let silent connections shut out the probes and the calls.
        """
        super().connection_made(handler, transport)
        if len(self._connections) > self.bounds.connections:
            next(self._resting(), handler).force_close()

    def make_room(self) -> None:
        """Close the older half of the connections that rest."""
        resting = list(self._resting())
        for connection in resting[: (len(resting) + 1) // 2]:
            connection.force_close()

    def _resting(self) -> Iterator[RequestHandler]:
        """The oldest first."""
        return (old for old in self._connections if isinstance(old, PortConnection) and old.resting)


class PortConnection(RequestHandler):
    """aiohttp's, within a port's bounds.

    aiohttp itself closes a connection that rests between two requests for `keepalive_timeout`; to it, one
    that has sent half a head rests as well, and it would wait as long for a first head as for a second.
    """

    __slots__ = (
        "_bounds",
        "_ends_with_caller",
        "_half_closed",
        "_head_bytes",
        "_head_timer",
        "_newest_body",
    )

    def __init__(self, port: Port, **options: Any) -> None:
        super().__init__(port, **options)
        self._bounds = port.bounds
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._half_closed = self._ends_with_caller = False
        self._newest_body: StreamReader | None = None

    @property
    def resting(self) -> bool:
        """Whether no request is being answered or waits for it."""
        return self._waiter is not None and not self._waiter.done()

    @property
    def newest_body_is_whole(self) -> bool:
        """Whether no request lacks bytes of its body: true also where there was none."""
        return self._newest_body is None or self._newest_body.is_eof()

    def end_with_caller(self) -> None:
        """From now on a caller that closes its sending side is gone: nobody asks for a response without end
        and then sends no more."""
        self._ends_with_caller = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller has connected: its first head must come."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Bytes came: of a head, which must then end in time and size, or of a body."""
        super().data_received(data)
        if self._messages:
            self._begin_newest()
        elif data and self.resting:
            self._continue_head(len(data))

    def eof_received(self) -> bool:  # type: ignore[override]
        """The caller will send no more: it may still wait for responses, if all that it asked is here."""
        if self.resting or not self.newest_body_is_whole or self._ends_with_caller:
            return False
        self._half_closed = True
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is gone."""
        self._stop_awaiting_head()
        super().connection_lost(exc)

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        """Write a response."""
        if self._half_closed or self._bounds.answer_s is not None:
            return self._finish_bounded(request, resp, start_time)
        return super().finish_response(request, resp, start_time)

    async def _finish_bounded(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write a response, in time; behind the last one to a caller that sends no more, close."""
        giving_up = None
        if self._bounds.answer_s is not None:
            giving_up = self._loop.call_later(self._bounds.answer_s, self._abort)
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            if giving_up is not None:
                giving_up.cancel()
            if self._half_closed and not self._messages:
                self.close()

    def _begin_newest(self) -> None:
        """A head is in. What can't be parsed comes as a message of its own, and ends the body before it."""
        if self._head_timer is not None:
            self._stop_awaiting_head()
        self._head_bytes = 0
        newest, before = self._messages[-1][1], self._newest_body
        if before is not None and before is not newest and not before.is_eof():
            before.set_exception(RequestPayloadError("the body's framing is broken"))
        self._newest_body = newest

    def _continue_head(self, size_bytes: int) -> None:
        """A head is not whole yet. One that grows without end is refused: aiohttp bounds its lines alone."""
        if self._head_timer is None:
            self._await_head()
        self._head_bytes += size_bytes
        if self._head_bytes > _HEAD_BYTES:
            super().data_received(_NO_HEADER)
            if self._messages:
                self._begin_newest()

    def _await_head(self) -> None:
        self._head_timer = self._loop.call_later(self._bounds.head_s, self._give_up_head)

    def _stop_awaiting_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up_head(self) -> None:
        """Nobody waits for a response to half a head, so there is none: the connection is just closed."""
        self._head_timer = None
        if self.resting:
            self.force_close()

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

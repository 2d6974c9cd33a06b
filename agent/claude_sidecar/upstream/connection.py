"""One HTTP/1.1 connection to an upstream: a request goes out, the response's bytes come in as they are.

Own code instead of aiohttp's client because header lines must keep their bytes both ways, and because "died
before any byte of a response" must be told apart; it is also the larger part of what a call costs.
"""

import asyncio
from collections.abc import Callable, Container
from typing import cast

from claude_sidecar import clock
from claude_sidecar.upstream.exchange_timers import ExchangeTimers
from claude_sidecar.upstream.failure import UNTIL_COMMIT, ConnectionDied, Phase, UpstreamFailure, timed_out
from claude_sidecar.upstream.outflow import Outflow
from claude_sidecar.upstream.response_parser import ResponseGarbled, ResponseParser
from claude_sidecar.upstream.sink import Sink

_BUFFER_HIGH_BYTES = 256 << 10


class UpstreamConnection(asyncio.Protocol):
    """Speaks to one upstream; carries one exchange at a time, whose response is `response`.

    account: what tells the credential that it carries from others, None before its first exchange.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.transport: asyncio.Transport | None = None
        self._outflow = Outflow(loop)
        self.idle_since = 0.0
        self.closed = False
        self.account: bytes | None = None
        self.on_lost: Callable[[UpstreamConnection], None] = lambda _: None
        self.response = ResponseParser(head_only=False)
        self.first_byte_at: float | None = None
        self._timers = ExchangeTimers(loop, self._expired)
        self._rested = False
        self._busy = False
        self._failure: UpstreamFailure | None = None
        self._request_sent = False
        self._sent_at: float | None = None
        self._first_byte_s: float | None = None
        self._read_paused = False
        self._sink: Sink | None = None
        self._waiter: asyncio.Future[None] | None = None

    def begin(
        self,
        *,
        head_only: bool,
        first_byte_s: float | None,
        deadline_by: float | None,
        idle_s: float | None,
        first_delta_by: float | None = None,
    ) -> None:
        """Start an exchange.

        head_only: the request is a HEAD. first_byte_s: from the request's last byte; deadline_by,
        first_delta_by (until the commit): on the loop's clock; idle_s: between bytes of the response; None
        for no limit.
        """
        self.response = ResponseParser(head_only=head_only)
        self.first_byte_at = None
        self._failure = None
        self._request_sent = False
        self._sent_at = None
        self._first_byte_s = first_byte_s
        self._busy = True
        self._timers.begin(deadline_by=deadline_by, first_delta_by=first_delta_by, idle_s=idle_s)

    @property
    def has_response(self) -> bool:
        """Whether the response has begun, so that no more of the request is wanted."""
        return self.response.head_done or self.closed

    def write(self, *parts: bytes | memoryview) -> None:
        """Send bytes of the request."""
        if self.transport is not None and not self.closed:
            self._outflow.write(self.transport, parts)

    async def drain(self) -> None:
        """Wait until more may be written, the response has begun or the connection is gone."""
        if not self.has_response and self._failure is None:
            await self._outflow.drained()

    def request_sent(self) -> None:
        """The whole request has been handed over; the first byte is waited for once it is written."""
        self._request_sent = True
        if not self._outflow.paused:
            self._written()

    def _written(self) -> None:
        self._sent_at = clock.now()
        if self._first_byte_s is not None and not self.response.head_done:
            self._timers.first_byte_by = self._loop.time() + self._first_byte_s
            self._timers.arm()

    async def head(self) -> None:
        """Wait for the response's head. Raises UpstreamFailure."""
        while not self.response.head_done:
            await self._wait()

    async def read(self) -> bytes:
        """All body bytes that have come, at least one; empty at the end. Raises UpstreamFailure."""
        while not (data := self.response.take()):
            if self.response.complete:
                return b""
            await self._wait()
        if self._read_paused:
            self._resume_reading()
        return data

    async def pour(self, sink: Sink) -> bool:
        """Give the body's bytes to a sink as they come; True when it wants no more for now, False at the end.

        Raises UpstreamFailure, and what the sink raises.
        """
        while True:
            if self.response.buffered_bytes and self._push(sink):
                return True
            if self._read_paused:
                self._resume_reading()
            if self.response.complete:
                return False
            self._sink = sink
            try:
                await self._wait()
            finally:
                full, self._sink = self._sink is None, None
            if full:
                return True

    def _push(self, sink: Sink) -> bool:
        """Give a sink what has come; whether it wants no more. What it raises is its reader's."""
        try:
            progressed, full = sink(self.response.take())
        except Exception as error:
            if self._waiter is None:
                raise
            self._sink = None
            if not self._waiter.done():
                self._waiter.set_exception(error)
            return True
        if progressed:
            self._timers.stalled_from = self._timers.idle_from or self._loop.time()
        return full

    def whole(self) -> bytes | None:
        """The whole body where it has come, None where it has not."""
        return self.response.take() if self.response.complete else None

    def lift_deadline(self) -> None:
        """Whoever reads the response decides how long it may take in all."""
        self._forget((Phase.DEADLINE,))
        self._timers.deadline_by = None
        self._timers.arm()

    def commit(self, idle_s: float | None, stalled_s: float | None) -> None:
        """After the commit only these two hold: between bytes, and between what counts as progress."""
        self._forget(UNTIL_COMMIT)
        self._timers.commit(idle_s, stalled_s, reading=not self._read_paused)

    @property
    def reusable(self) -> bool:
        """Whether another exchange may follow this one."""
        usable = self.response.leaves_connection_usable and self._request_sent
        return usable and not self.closed and self._failure is None

    def rest(self, now: float) -> None:
        """The exchange is over and the connection goes to the pool."""
        self._busy = False
        self._rested = True
        self.idle_since = now
        self._timers.clear()
        if self._read_paused:
            self._resume_reading()

    def abort(self) -> None:
        """Close at once."""
        self._timers.stop()
        self.closed = True
        if self.transport is not None:
            self.transport.abort()

    async def _wait(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if self._failure is not None and not self.response.buffered_bytes and not self.response.complete:
            waiter.set_exception(self._failure)
        else:
            waiter.set_result(None)

    def _fail(self, failure: UpstreamFailure) -> None:
        if self._failure is None and not self.response.complete:
            self._failure = failure
        self._wake()
        self._outflow.wake()

    def _forget(self, phases: Container[Phase]) -> None:
        """A time-out that fell due in the turn of the loop in which it ceased to hold ends nothing."""
        if self._failure is not None and self._failure.phase in phases:
            self._failure = None

    def _died(self, message: str) -> ConnectionDied:
        silent = self.first_byte_at is None
        silent_s = clock.now() - self._sent_at if silent and self._sent_at is not None else None
        return ConnectionDied(message, before_any_byte=silent, reused=self._rested, silent_s=silent_s)

    def _expired(self, phase: Phase) -> None:
        if phase is Phase.STALLED and self._waiter is None:
            # It is the caller who keeps us from reading.
            self._timers.stalled_from = self._loop.time()
            self._timers.arm()
            return
        self._fail(timed_out(phase))

    # What follows is called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        response = self.response
        if not self._busy or response.complete:
            # An upstream that speaks out of turn can't be trusted with another request.
            response.surplus = True
            self.abort()
            return
        if self._timers.idle_from is not None:
            self._timers.idle_from = self._loop.time()
        if self.first_byte_at is None:
            self.first_byte_at = clock.now()
        had_head = response.head_done
        try:
            response.feed(data)
        except ResponseGarbled as garbled:
            self._fail(self._died(str(garbled)))
            self.abort()
            return
        if response.head_done and not had_head:
            self._timers.head_came()
            if self._outflow.paused:
                self._outflow.wake()
        if self._sink is not None and response.buffered_bytes and self._push(self._sink):
            self._sink = None
        if self.response.complete:
            self._timers.clear()
            response.let_parser_go()
        elif response.buffered_bytes > _BUFFER_HIGH_BYTES and not self._read_paused:
            self._pause_reading()
        if self._sink is None or self.response.complete:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.closed = True
        self._timers.stop()
        self.on_lost(self)
        if self._busy and not self.response.complete:
            if exc is None:
                self.response.closed_cleanly()
            self._fail(self._died("the upstream closed the connection before the response was whole"))

    def pause_writing(self) -> None:
        """The send buffer is full."""
        self._outflow.paused = True

    def resume_writing(self) -> None:
        """The send buffer has room."""
        self._outflow.paused = False
        if self._busy and self._request_sent and self._sent_at is None:
            self._written()
        self._outflow.wake()

    def _pause_reading(self) -> None:
        self._read_paused = True
        self._timers.idle_from = None
        if self.transport is not None:
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        self._read_paused = False
        if self.transport is not None and not self.closed:
            self.transport.resume_reading()
        if not self.response.complete:
            self._timers.idle_from = self._loop.time()
            self._timers.arm()

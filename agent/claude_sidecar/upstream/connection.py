"""One HTTP/1.1 connection to an upstream: a request goes out, the answer's bytes come in as they are.

Own code instead of aiohttp's client because header lines must keep their bytes both ways, because "died before
any byte of an answer" must be told apart, and because a call through it costs a fifth (see docs/architecture.md).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

import httptools

from claude_sidecar.upstream.exchange_timers import ExchangeTimers
from claude_sidecar.upstream.failure import ConnectionDied, Phase, TimedOut, UpstreamFailure

_BUFFER_HIGH_BYTES = 256 << 10
_HEAD_LIMIT_BYTES = 64 << 10
_HEAD_LIMIT_LINES = 500


class UpstreamConnection(asyncio.Protocol):
    """Speaks to one upstream; carries one exchange at a time.

    Timers: `first_byte_by` and `deadline_by` on the loop's clock, `idle_s` between bytes of the answer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.transport: asyncio.Transport | None = None
        self.idle_since = 0.0
        self.uses = 0
        self.closed = False
        self.on_idle_close: Callable[[UpstreamConnection], None] = lambda _: None
        self._parser = httptools.HttpResponseParser(self)
        self._timers = ExchangeTimers(loop, self._expired)
        self._write_paused = False
        self._busy = False
        self._reset()

    def _reset(self) -> None:
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.first_byte_at: float | None = None
        self.head_done = False
        self.complete = False
        self._failure: UpstreamFailure | None = None
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._head_bytes = 0
        self._framed = False
        self._request_sent = False
        self._head_only = False
        self._read_paused = False
        self._surplus = False
        self._kept_alive = False
        self._waiter: asyncio.Future[None] | None = None
        self._drain_waiter: asyncio.Future[None] | None = None
        self._timers.clear()

    # -- one exchange -----------------------------------------------------------------------------

    def begin(
        self, *, head_only: bool, first_byte_by: float | None, deadline_by: float | None, idle_s: float | None
    ) -> None:
        """Start an exchange; head_only: the request is a HEAD, whose answer has no body."""
        if self._head_only:
            # The parser still waits for the body that a HEAD's content-length announced.
            self._parser = httptools.HttpResponseParser(self)
        self._reset()
        self._head_only = head_only
        self._busy = True
        self.uses += 1
        self._timers.first_byte_by = first_byte_by
        self._timers.deadline_by = deadline_by
        self._timers.idle_s = idle_s
        self._timers.arm()

    def write(self, data: bytes) -> None:
        """Send bytes of the request."""
        if self.transport is not None and not self.closed:
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until more may be written; returns at once when the answer has begun or the connection is gone."""
        if not self._write_paused or self.head_done or self._failure is not None:
            return
        self._drain_waiter = self._loop.create_future()
        try:
            await self._drain_waiter
        finally:
            self._drain_waiter = None

    def request_sent(self) -> None:
        """The whole request has been written."""
        self._request_sent = True

    async def head(self) -> None:
        """Wait for the answer's head. Raises UpstreamFailure."""
        while not self.head_done:
            await self._wait()

    async def read(self) -> bytes:
        """All body bytes that have come, at least one; empty at the end. Raises UpstreamFailure."""
        while not self._chunks:
            if self.complete:
                return b""
            await self._wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._read_paused:
            self._resume_reading()
        return data

    def lift_deadline(self, idle_s: float | None) -> None:
        """After the commit only the idle timer holds."""
        self._timers.first_byte_by = self._timers.deadline_by = None
        self._timers.idle_s = idle_s
        self._timers.idle_from = None if self._read_paused else self._loop.time()
        self._timers.arm()

    @property
    def reusable(self) -> bool:
        """Whether another exchange may follow this one."""
        return (
            self.complete
            and self._request_sent
            and not self.closed
            and not self._surplus
            and self._failure is None
            and self._kept_alive
            and (self._framed or self._head_only or self.status in (204, 304))
        )

    def rest(self, now: float) -> None:
        """The exchange is over and the connection goes to the pool."""
        self._busy = False
        self.idle_since = now
        self._timers.disarm()
        if self._read_paused:
            self._resume_reading()

    def abort(self) -> None:
        """Close at once."""
        self._timers.disarm()
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
        if self._waiter is not None and not self._waiter.done():
            if self._failure is not None and not self._chunks and not self.complete:
                self._waiter.set_exception(self._failure)
            else:
                self._waiter.set_result(None)

    def _wake_drain(self) -> None:
        if self._drain_waiter is not None and not self._drain_waiter.done():
            self._drain_waiter.set_result(None)

    def _fail(self, failure: UpstreamFailure) -> None:
        if self._failure is None and not self.complete:
            self._failure = failure
        self._wake()
        self._wake_drain()

    def _died(self, message: str) -> ConnectionDied:
        return ConnectionDied(message, before_any_byte=self.first_byte_at is None, reused=self.uses > 1)

    def _expired(self, phase: Phase) -> None:
        self._fail(TimedOut(phase, f"the upstream let the {phase} timer run out"))

    # -- called by the event loop -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if not self._busy or self.complete:
            # An upstream that speaks out of turn can't be trusted with another request.
            self._surplus = True
            self._close_idle()
            return
        now = self._loop.time()
        if self._timers.idle_from is not None:
            self._timers.idle_from = now
        if self.first_byte_at is None:
            self.first_byte_at = now
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._surplus = True
            self._fail(self._died(f"the upstream's answer is not HTTP: {type(error).__name__}"))
            return
        if not self.head_done:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_LIMIT_BYTES or len(self.headers) > _HEAD_LIMIT_LINES:
                self._fail(self._died(f"the upstream's header block is over {_HEAD_LIMIT_BYTES} bytes"))
                self.abort()
        if self._buffered > _BUFFER_HIGH_BYTES and not self._read_paused and self.transport is not None:
            self._read_paused = True
            self._timers.idle_from = None
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The upstream has closed its side."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.closed = True
        self._timers.disarm()
        if self._busy and not self.complete:
            if self.head_done and not self._framed and exc is None:
                # No content-length and no chunks: the close is the end of the body.
                self.complete = True
            self._fail(self._died("the upstream closed the connection before the answer was whole"))
        elif not self._busy:
            self.on_idle_close(self)

    def pause_writing(self) -> None:
        """The send buffer is full."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The send buffer has room."""
        self._write_paused = False
        self._wake_drain()

    def _resume_reading(self) -> None:
        self._read_paused = False
        if self.transport is not None and not self.closed:
            self.transport.resume_reading()
        if not self.complete:
            self._timers.idle_from = self._loop.time()
            self._timers.arm()

    def _close_idle(self) -> None:
        self.abort()
        if not self._busy:
            self.on_idle_close(self)

    # -- called by the parser ---------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A message begins; one behind a whole answer was not asked for."""
        if self.complete:
            self._surplus = True

    def on_status(self, reason: bytes) -> None:
        """The reason phrase, possibly in pieces."""
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header line; trailers, which come after the head, are dropped."""
        if self.head_done:
            return
        self.headers.append((name, value))
        if len(name) in (14, 17) and name.lower() in (b"content-length", b"transfer-encoding"):
            self._framed = True

    def on_headers_complete(self) -> None:
        """The head is whole."""
        status = self._parser.get_status_code()
        if status < 200:
            return
        self.status = status
        self.head_done = True
        if self._head_only:
            self._kept_alive = bool(self._parser.should_keep_alive())
            self.complete = True
        else:
            self._timers.first_byte_by = None
            self._timers.idle_from = self._loop.time()
            if self._timers.idle_s is not None:
                self._timers.arm()
        self._wake_drain()

    def on_body(self, data: bytes) -> None:
        """Bytes of the body, chunk framing taken off."""
        if self.complete:
            return
        self._chunks.append(data)
        self._buffered += len(data)

    def on_message_complete(self) -> None:
        """The answer is whole; an interim one (1xx) makes way for the real one."""
        if not self.head_done:
            self.headers.clear()
            self.reason = b""
            self._framed = False
        else:
            # Asked here: once the message is over, the parser has forgotten how it was framed.
            self._kept_alive = bool(self._parser.should_keep_alive())
            self.complete = True
            self._timers.disarm()

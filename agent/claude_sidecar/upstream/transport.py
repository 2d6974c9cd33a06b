"""The one seam to the network: exactly one attempt, answered or failed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from claude_sidecar import clock
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.upstream.connection import UpstreamConnection
from claude_sidecar.upstream.dial import Dialer
from claude_sidecar.upstream.failure import ConnectFailed, Phase, TimedOut
from claude_sidecar.upstream.out_of_files import OutOfFiles, files_are_spent
from claude_sidecar.upstream.pool import ConnectionPool, WarmConnections
from claude_sidecar.upstream.sink import Sink


class RequestBody(Protocol):
    """A body to send: at once where it is small, else piece by piece."""

    @property
    def parts(self) -> Sequence[bytes | memoryview] | None:
        """All of it where it is in memory, else None."""

    def pieces(self) -> AsyncIterator[bytes | memoryview]:
        """The body in pieces, from its beginning."""


class Timers(msgspec.Struct, frozen=True):
    """connect_s, first_byte_s, idle_s: seconds, None for no limit; deadline_by, first_delta_by (until the
    commit): on the loop's clock.

    first_byte_s counts from the request's last byte.
    """

    connect_s: float
    first_byte_s: float | None
    idle_s: float | None
    deadline_by: float | None
    first_delta_by: float | None = None


class UpstreamRequest(msgspec.Struct, frozen=True):
    """One attempt: its head as bytes, its body.

    account: what tells the credential that is sent from others: connections are pooled by it;
    fresh: not on a pooled connection.
    """

    route: Route
    head: bytes
    body: RequestBody
    head_only: bool
    timers: Timers
    account: bytes
    fresh: bool
    chunked: bool


class UpstreamResponse(Protocol):
    """An upstream's response whose body is still coming."""

    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    first_byte_at: float

    async def read(self) -> bytes:
        """The next bytes of the body, empty at the end. Raises UpstreamFailure."""

    async def pour(self, sink: Sink) -> bool:
        """Give the body's bytes to a sink as they come: no task has a turn for each piece of a stream.

        True when the sink wants no more for now, False at the end. Raises UpstreamFailure, and what the sink
        raises.
        """

    def whole(self) -> bytes | None:
        """All that is unread of the body where its end has come, so that nobody need wait; else None."""

    def lift_deadline(self) -> None:
        """Let go of the call's deadline: whoever reads decides how long the response may take in all."""

    def commit(self, idle_s: float | None, stalled_s: float | None) -> None:
        """The caller is being answered: only these timers hold from here, seconds.

        idle_s: between bytes; stalled_s: between two of which a sink says that they are progress; None for no
        limit.
        """

    def close(self) -> None:
        """No more is wanted: the connection is kept if the response is whole, else closed."""

    def discard(self) -> None:
        """Close the connection: an upstream that answered amiss is likely to close it too."""


class Transport(Protocol):
    """Sends a request once. Raises UpstreamFailure."""

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """The response once its head is in."""


class HttpTransport:
    """Sends over pooled HTTP/1.1 connections."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._pool = ConnectionPool()
        self._warm = WarmConnections(dialer, self._pool)

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send once and wait for the head; cancelling it closes the connection at once.

        Raises OutOfFiles too.
        """
        connection = await self._acquire(request)
        connection.account = request.account
        self._warm.used(request.route, request.account, request.timers.connect_s)
        timers = request.timers
        connection.begin(
            head_only=request.head_only,
            first_byte_s=timers.first_byte_s,
            first_delta_by=timers.first_delta_by,
            deadline_by=timers.deadline_by,
            idle_s=timers.idle_s,
        )
        try:
            parts = request.body.parts
            if parts is None:
                await _write_and_wait(connection, request)
            else:
                connection.write(request.head, *parts)
                connection.request_sent()
                await connection.head()
        except BaseException:
            connection.abort()
            raise
        return _PooledResponse(connection, self._pool, request.route)

    async def keep_warm(self) -> None:
        """Have a connection ready to each route that is in use, until cancelled or draining."""
        await self._warm.keep()

    def drain(self) -> None:
        """Calls in flight come to their end; nothing is made ready for later ones."""
        self._warm.stop()

    def close_idle(self) -> None:
        """Close idle connections; those under way and the look-ups of their names go on."""
        self._pool.close()

    def close(self) -> None:
        """The end: close idle connections and give up what is under way for the next ones."""
        self._warm.stop()
        self._pool.close()
        self._dialer.close()

    async def _acquire(self, request: UpstreamRequest) -> UpstreamConnection:
        if not request.fresh:
            pooled = self._pool.take(request.route, request.account, clock.now())
            if pooled is not None:
                return pooled
        try:
            async with asyncio.timeout_at(request.timers.deadline_by):
                return await self._dial(request.route, request.timers.connect_s)
        except TimeoutError:
            # The call had no more time; no address had all of its own, so none is blamed.
            raise TimedOut(Phase.DEADLINE, "the call's deadline came while connecting") from None

    async def _dial(self, route: Route, timeout_s: float) -> UpstreamConnection:
        until_s = clock.now() + timeout_s
        try:
            return await self._dialer.dial(route, timeout_s)
        except ConnectFailed:
            if not files_are_spent():
                raise
        # What rests is worth less than a call: once more without it.
        self.close_idle()
        await clock.sleep(0)
        try:
            return await self._dialer.dial(route, max(0.0, until_s - clock.now()))
        except ConnectFailed:
            if files_are_spent():
                raise OutOfFiles from None
            raise


class _PooledResponse:
    __slots__ = ("_connection", "_pool", "_route", "first_byte_at", "headers", "reason", "status")

    def __init__(self, connection: UpstreamConnection, pool: ConnectionPool, route: Route) -> None:
        self._connection: UpstreamConnection | None = connection
        self._pool = pool
        self._route = route
        self.status = connection.response.status
        self.reason = connection.response.reason
        self.headers = connection.response.headers
        self.first_byte_at = connection.first_byte_at or clock.now()

    async def read(self) -> bytes:
        if self._connection is None:
            return b""
        return await self._connection.read()

    async def pour(self, sink: Sink) -> bool:
        return self._connection is not None and await self._connection.pour(sink)

    def whole(self) -> bytes | None:
        return self._connection.whole() if self._connection is not None else None

    def lift_deadline(self) -> None:
        if self._connection is not None:
            self._connection.lift_deadline()

    def commit(self, idle_s: float | None, stalled_s: float | None) -> None:
        if self._connection is not None:
            self._connection.commit(idle_s, stalled_s)

    def discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.reusable:
            self._pool.give(self._route, connection, clock.now())
        else:
            connection.abort()


async def _write_and_wait(connection: UpstreamConnection, request: UpstreamRequest) -> None:
    """Write head and body, which comes in pieces, and wait for the response's head."""
    # The caller may be slow, or wait itself: a response, or the end, that comes before the body's end counts.
    writing = asyncio.ensure_future(_write_pieces(connection, request))
    responding = asyncio.ensure_future(connection.head())
    try:
        await asyncio.wait((writing, responding), return_when=asyncio.FIRST_COMPLETED)
        if not responding.done():
            writing.result()
        await responding
    finally:
        writing.cancel()
        responding.cancel()
        await asyncio.gather(writing, responding, return_exceptions=True)


async def _write_pieces(connection: UpstreamConnection, request: UpstreamRequest) -> None:
    """Stops as soon as a response has begun, which then is the upstream's last word."""
    connection.write(request.head)
    async for piece in request.body.pieces():
        if connection.has_response:
            return
        if request.chunked:
            connection.write(b"%x\r\n" % len(piece), piece, b"\r\n")
        else:
            connection.write(piece)
        await connection.drain()
    if request.chunked:
        connection.write(b"0\r\n\r\n")
    connection.request_sent()

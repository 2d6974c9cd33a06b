"""One request and its answer over a connection of its own, read as httpx reads: a time-out for each read."""

import asyncio
from typing import Any

import httptools


class ExchangeFailed(Exception):
    """No whole answer: what httpx raises a transport error for. timed_out: its read time-out."""

    def __init__(self, *, timed_out: bool = False) -> None:
        super().__init__()
        self.timed_out = timed_out


class Exchange(asyncio.Protocol):
    """Reads one answer. status, headers: once `head` has returned; body: as far as it has come."""

    def __init__(self, read_timeout_s: float) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.head_at_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._read_timeout_s = read_timeout_s
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._failure: ExchangeFailed | None = None
        self._head_done = self._complete = self._framed = False
        self._deadline_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.transport: Any = None

    def begin(self, request: bytes) -> None:
        """Send the request; the read time-out runs from now."""
        self.transport.write(request)
        self._deadline_s = self._loop.time() + self._read_timeout_s
        self._timer = self._loop.call_at(self._deadline_s, self._expired)

    async def head(self) -> None:
        """Wait for the head. Raises ExchangeFailed."""
        while not self._head_done:
            await self._wait()

    async def whole(self) -> None:
        """Wait for the end of the body. Raises ExchangeFailed when it is cut."""
        while not self._complete:
            await self._wait()

    def close(self) -> None:
        """Let go of the connection."""
        if self._timer is not None:
            self._timer.cancel()
        self.transport.abort()

    async def _wait(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _expired(self) -> None:
        """The timer is not set anew for every read: when it fires too early it is set for the rest."""
        if self._loop.time() < self._deadline_s:
            self._timer = self._loop.call_at(self._deadline_s, self._expired)
        else:
            self._fail(ExchangeFailed(timed_out=True))

    def _fail(self, failure: ExchangeFailed) -> None:
        if self._failure is None and not self._complete:
            self._failure = failure
        self._wake()

    # What follows is called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._deadline_s = self._loop.time() + self._read_timeout_s
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(ExchangeFailed())
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None and self._head_done and not self._framed:
            self._complete = True
        self._fail(ExchangeFailed())

    # What follows is called by the parser.

    def on_header(self, name: bytes, value: bytes) -> None:
        lowered = name.decode("latin-1").lower()
        self.headers.setdefault(lowered, value.decode("latin-1"))
        self._framed = self._framed or lowered in ("content-length", "transfer-encoding")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.head_at_s = self._loop.time()
        self._head_done = True

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self._complete = True


async def send(port: int, request: bytes, connect_timeout_s: float, read_timeout_s: float) -> Exchange:
    """Connect on loopback and send. Raises ExchangeFailed."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(connect_timeout_s):
            _, exchange = await loop.create_connection(lambda: Exchange(read_timeout_s), "127.0.0.1", port)
    except TimeoutError:
        raise ExchangeFailed(timed_out=True) from None
    except OSError:
        raise ExchangeFailed from None
    exchange.begin(request)
    return exchange

"""A client that sees the bytes which a real one would hide."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

Lines = Sequence[tuple[bytes, bytes]]


@dataclass
class RawAnswer:
    """One answer as it came. body: framing taken off; end: `whole`, `eof` (too early) or `reset`.

    interim: start lines of 1xx answers before it; closed: whether the connection was closed behind it
    (set by `ask` where it was told to look).
    """

    start_line: bytes = b""
    lines: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    end: str = "whole"
    interim: list[bytes] = field(default_factory=list)
    closed: bool | None = None

    @property
    def status(self) -> int:
        return int(self.start_line.split(b" ", 2)[1]) if self.start_line else 0

    def header(self, name: str) -> str | None:
        value = next((value for given, value in self.lines if given.lower() == name.encode()), None)
        return value.decode("latin-1") if value is not None else None


def request_bytes(
    method: str = "POST",
    target: str = "/v1/messages",
    lines: Lines = (),
    body: bytes = b"",
    *,
    key: bytes | None = b"sk-ant-api03-caller",
    length: bool = True,
) -> bytes:
    """A request as it stands on the wire."""
    head = [f"{method} {target} HTTP/1.1".encode()]
    if not any(name.lower() == b"host" for name, _ in lines):
        head.append(b"Host: localhost")
    if key is not None:
        head.append(b"x-api-key: " + key)
    head += [name + b": " + value for name, value in lines]
    if body and length:
        head.append(b"content-length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


class RawConnection:
    """One connection; requests are written and answers read as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()

    async def head(self) -> RawAnswer:
        """The head of an answer, interim ones skipped."""
        answer = RawAnswer()
        while True:
            head = await self.reader.readuntil(b"\r\n\r\n")
            start, *rest = head.split(b"\r\n")[:-2]
            if start.split(b" ")[1].startswith(b"1"):
                answer.interim.append(start)
                continue
            answer.start_line = start
            answer.lines = [(n, v.strip()) for n, _, v in (line.partition(b":") for line in rest)]
            return answer

    async def receive(self, *, bodiless: bool = False) -> RawAnswer:
        """One whole answer, or as much of it as came."""
        answer = RawAnswer()
        try:
            answer = await self.head()
            if not (bodiless or answer.status in (204, 304)):
                await self._body(answer)
        except asyncio.IncompleteReadError as error:
            answer.body += error.partial
            answer.end = "eof"
        except ConnectionError:
            answer.end = "reset"
        return answer

    async def chunk(self) -> bytes:
        """The next chunk of a chunked body, empty at its end."""
        size = int((await self.reader.readuntil(b"\r\n")).partition(b";")[0], 16)
        data = await self.reader.readexactly(size)
        line = await self.reader.readuntil(b"\r\n")
        while size == 0 and line != b"\r\n":
            line = await self.reader.readuntil(b"\r\n")
        return data

    async def _body(self, answer: RawAnswer) -> None:
        if answer.header("transfer-encoding") == "chunked":
            while piece := await self.chunk():
                answer.body += piece
        elif (length := answer.header("content-length")) is not None:
            answer.body = await self.reader.readexactly(int(length))
        else:
            answer.body = await self.reader.read(-1)

    async def is_closed(self, within_s: float = 0.2) -> bool:
        """Whether the other side closes within so many seconds."""
        try:
            async with asyncio.timeout(within_s):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def abort(self) -> None:
        self.writer.transport.abort()


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[RawConnection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    connection = RawConnection(reader, writer)
    try:
        yield connection
    finally:
        connection.abort()


@dataclass
class TimedAnswer:
    """A chunked answer and when its parts came: loop seconds. end: `whole` or how it broke off."""

    head: RawAnswer
    asked_at: float
    head_at: float
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    end: str = "whole"

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.pieces)

    @property
    def longest_silence_s(self) -> float:
        """The longest time between the head, the pieces and the end."""
        times = [self.head_at, *(at for at, _ in self.pieces)]
        return max((later - before for before, later in itertools.pairwise(times)), default=0.0)


async def watch(port: int, request: bytes, *, patience_s: float | None = None) -> TimedAnswer:
    """Ask for a stream and note when what of it comes.

    patience_s: the longest silence that the client bears, as an SDK's read time-out; TimeoutError past it.
    """
    clock = asyncio.get_running_loop().time
    async with connected(port) as connection:
        asked_at = clock()
        await connection.send(request)
        async with asyncio.timeout(patience_s):
            answer = TimedAnswer(await connection.head(), asked_at, clock())
        try:
            while True:
                async with asyncio.timeout(patience_s):
                    piece = await connection.chunk()
                if not piece:
                    return answer
                answer.pieces.append((clock(), piece))
        except asyncio.IncompleteReadError:
            answer.end = "eof"
        except ConnectionError:
            answer.end = "reset"
        return answer


async def ask(port: int, request: bytes, *, bodiless: bool = False) -> RawAnswer:
    """One request on a connection of its own; tells also whether the connection was closed behind it."""
    async with connected(port) as connection:
        await connection.send(request)
        answer = await connection.receive(bodiless=bodiless)
        answer.closed = await connection.is_closed()
        return answer

"""A running simulator and a client that sees the bytes that a real client would hide."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from claude_sidecar.simulator import Simulator, parse
from claude_sidecar.simulator.ledger import Entry

KEY = "sk-ant-api03-first"
Lines = list[tuple[str, str]]


@dataclass
class Answer:
    """One answer as it came; *end* is `whole`, `eof` (too early) or `reset`."""

    status: int = 0
    reason: str = ""
    lines: Lines = field(default_factory=list)
    body: bytes = b""
    end: str = "whole"

    def header(self, name: str) -> str | None:
        return next((value for given, value in self.lines if given.lower() == name), None)

    def json(self) -> Any:
        return json.loads(self.body)

    def events(self) -> list[tuple[str, Any]]:
        """The whole events of the body."""
        blocks = self.body.decode().split("\n\n")[:-1]
        pairs = (block.split("\n", 1) for block in blocks)
        return [
            (name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in pairs
        ]

    def names(self) -> list[str]:
        return [name for name, _ in self.events()]


class Connection:
    """One client connection; requests are given as they shall appear on the wire."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, method: str, path: str, lines: Lines, body: bytes = b"") -> None:
        head = f"{method} {path} HTTP/1.1\r\nhost: simulator\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in lines)
        if body:
            head += f"content-length: {len(body)}\r\n"
        self.writer.write(head.encode("utf-8", "surrogateescape") + b"\r\n" + body)
        await self.writer.drain()

    async def receive(self, *, bodiless: bool = False) -> Answer:
        answer = Answer()
        try:
            await self._receive(answer, bodiless)
        except asyncio.IncompleteReadError as error:
            answer.body += error.partial
            answer.end = "eof"
        except ConnectionError:
            answer.end = "reset"
        return answer

    async def _receive(self, answer: Answer, bodiless: bool) -> None:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        _, status, answer.reason = head[0].split(" ", 2)
        answer.status = int(status)
        answer.lines = [(name, value) for name, _, value in (line.partition(": ") for line in head[1:-2])]
        if bodiless or answer.status in (204, 304):
            return
        if answer.header("transfer-encoding") == "chunked":
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                answer.body += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
        else:
            left = int(answer.header("content-length") or 0)
            while left:
                piece = await self.reader.read(left)
                if not piece:
                    raise asyncio.IncompleteReadError(b"", left)
                answer.body += piece
                left -= len(piece)


class Bench:
    """A simulator under test and short ways to ask it."""

    def __init__(self, simulator: Simulator, base_url: str) -> None:
        self.simulator = simulator
        self.base_url = base_url

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        address = urlsplit(self.base_url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            yield Connection(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = KEY,
        lines: Lines | None = None,
    ) -> Answer:
        """One request on a connection of its own, with key and version unless *lines* has its own."""
        given = list(lines or [])
        named = {name.lower() for name, _ in given}
        if key is not None:
            given.append(("x-api-key", key))
        if "anthropic-version" not in named:
            given.append(("anthropic-version", "2023-06-01"))
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        async with self.connection() as connection:
            await connection.send(method, path, given, data)
            return await connection.receive(bodiless=method == "HEAD")

    async def message(self, simulate: str | None = None, **fields: Any) -> Answer:
        """POST /v1/messages; *simulate* is the `x-simulate` header, fields beginning with `_` go to `ask`."""
        asked = {name[1:]: fields.pop(name) for name in list(fields) if name.startswith("_")}
        lines = list(asked.pop("lines", []))
        if simulate is not None:
            lines.append(("x-simulate", simulate))
        body = {
            "model": "claude-opus-4-8",
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": "Hi"}],
        }
        return await self.ask("POST", "/v1/messages", body | fields, lines=lines, **asked)

    def calls(self) -> list[Entry]:
        return self.simulator.ledger.calls()


Started = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
def started() -> Started:
    """`async with started(scenario_yaml) as bench:` runs a simulator."""

    @asynccontextmanager
    async def start(scenario: str = "", seed: int | None = None) -> AsyncIterator[Bench]:
        simulator = Simulator(parse(scenario.encode()), seed, wall=lambda: 1_800_000_000.0)
        async with simulator.running() as base_url:
            yield Bench(simulator, base_url)

    return start

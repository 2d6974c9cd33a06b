"""A stand-in for the admin port: the real page's files, with facts that a test chooses."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

from aiohttp import web

Json = dict[str, Any]

_CHANGE_S = 15.0
PAGE = files("claude_sidecar.proxy").joinpath("page")
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


class PageStub:
    """Answers as the admin port does. overview, calls: what it tells, newest call first; may be changed at
    any time. streams: whether it has room for one more stream of events."""

    def __init__(self, overview: Json, calls: list[Json]) -> None:
        self.overview = overview
        self.calls = calls
        self.streams = True
        self.url = ""
        self._readers: set[asyncio.Queue[bytes | None]] = set()
        self._changed = asyncio.Condition()

    async def tell(self, event: str, value: Any) -> None:
        """Send an event to every open page."""
        for reader in self._readers:
            await reader.put(_event(event, value))

    def hang_up(self) -> None:
        """End every stream."""
        for reader in self._readers:
            reader.put_nowait(None)

    async def has_readers(self, count: int) -> None:
        """Wait until so many streams are open."""
        async with asyncio.timeout(_CHANGE_S), self._changed:
            await self._changed.wait_for(lambda: len(self._readers) == count)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        name = request.path.rpartition("/")[2]
        if request.path == "/events":
            return await self._stream(request) if self.streams else web.Response(status=503)
        if request.path in ("/overview", "/requests", "/policy"):
            told = {"/overview": self.overview, "/requests": self.calls, "/policy": {"kind": "ClaudePolicy"}}
            return web.json_response(told[request.path], headers=_headers())
        if request.path == "/" or request.path.startswith("/page/"):
            body = PAGE.joinpath(name or "index.html").read_bytes()
            kind = _TYPES[(name or "index.html").rpartition(".")[2]]
            return web.Response(body=body, content_type=kind, charset="utf-8", headers=_headers())
        return web.Response(status=404)

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        reader: asyncio.Queue[bytes | None] = asyncio.Queue()
        response = web.StreamResponse(headers={"content-type": "text/event-stream", **_headers()})
        await response.prepare(request)
        await response.write(_event("overview", self.overview))
        self._readers.add(reader)
        try:
            async with self._changed:
                self._changed.notify_all()
            while (event := await reader.get()) is not None:
                await response.write(event)
        finally:
            self._readers.discard(reader)
            async with self._changed:
                self._changed.notify_all()
        return response


def _headers() -> dict[str, str]:
    return {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": _CONTENT_POLICY,
    }


def _event(name: str, value: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(value)}\n\n".encode()


@contextlib.asynccontextmanager
async def serving(overview: Json, calls: list[Json], port: int = 0) -> AsyncIterator[PageStub]:
    """The stub on loopback until the end of the block."""
    stub = PageStub(overview, calls)
    # A reader that leaves ends its stream's handler.
    runner = web.ServerRunner(web.Server(stub.answer, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield stub
    finally:
        await runner.cleanup()

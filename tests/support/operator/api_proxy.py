"""Stands between the operator and the API server: counts what it writes, and fails as it is told."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

READING = ("GET", "HEAD")


@dataclass(frozen=True)
class Write:
    """A request that changes something, and how it ended."""

    method: str
    path: str
    status: int
    body: str


@dataclass
class Faults:
    """refuse: (method, path) -> a status to answer with, or None. mute: plurals whose watches say nothing."""

    refuse: Callable[[str, str], int | None] = lambda _method, _path: None
    mute: set[str] = field(default_factory=set)


class ApiProxy:
    """A plain HTTP server on a port of loopback that passes everything on."""

    def __init__(self, server: str, ca: Path) -> None:
        self.faults = Faults()
        self.url = ""
        self._server, self._tls = server, ssl.create_default_context(cafile=str(ca))
        self.swallowed = 0
        self._writes: list[Write] = []
        self._under_way, self._ended = 0, threading.Condition()
        self._watches: set[web.StreamResponse] = set()
        self._loop = asyncio.new_event_loop()

    def writes(self, *, leases: bool = False) -> list[Write]:
        """All that changed something, or tried to; renewals of the Lease only if asked for."""
        with self._settled():
            return [write for write in self._writes if leases or "/leases" not in write.path]

    def forget(self) -> None:
        """Count anew."""
        with self._settled():
            self._writes.clear()

    @contextmanager
    def _settled(self) -> Iterator[None]:
        """No write is under way: the cluster shows one to others before its answer is back here."""
        with self._ended:
            assert self._ended.wait_for(lambda: self._under_way == 0, timeout=20), "a write does not end"
            yield

    @property
    def open_watches(self) -> int:
        """How many there are."""
        return len(self._watches)

    def cut_watches(self) -> int:
        """Cut every watch that is open; how many."""
        watches = list(self._watches)
        for watch in watches:
            self._loop.call_soon_threadsafe(_cut, watch)
        return len(watches)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.method in READING:
            return await self._pass_on(request)
        with self._ended:
            self._under_way += 1
        try:
            return await self._pass_on(request)
        finally:
            with self._ended:
                self._under_way -= 1
                self._ended.notify_all()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        refused = self.faults.refuse(request.method, request.path)
        body = await request.read()
        if refused is not None:
            self._note(request, refused, body)
            said = {"kind": "Status", "reason": "Test", "message": "refused by the test", "code": refused}
            headers = {"Retry-After": "1"} if refused == 429 else {}
            return web.json_response(said, status=refused, headers=headers)
        headers = {key: value for key, value in request.headers.items() if key.lower() != "host"}
        async with self._session.request(
            request.method,
            self._server + request.raw_path,
            data=body or None,
            headers=headers,
            ssl=self._tls,
            timeout=aiohttp.ClientTimeout(total=None),
            allow_redirects=False,
        ) as answer:
            self._note(request, answer.status, body)
            watched = request.path.rpartition("/")[2] if request.query.get("watch") else None
            response = web.StreamResponse(status=answer.status)
            for name in ("Content-Type", "Retry-After"):
                if name in answer.headers:
                    response.headers[name] = answer.headers[name]
            await response.prepare(request)
            if watched:
                self._watches.add(response)
            try:
                silent = False
                async for piece in answer.content.iter_any():
                    # A watch that has swallowed anything stays silent: half an event would be no silence.
                    silent = silent or watched in self.faults.mute
                    if silent:
                        self.swallowed += 1
                    else:
                        await response.write(piece)
                await response.write_eof()
            finally:
                self._watches.discard(response)
                # A polite end of TLS would outlast the loop.
                if answer.connection is not None and answer.connection.transport is not None:
                    answer.connection.transport.abort()
            return response

    def _note(self, request: web.Request, status: int, body: bytes) -> None:
        if request.method not in READING:
            self._writes.append(Write(request.method, request.path, status, body.decode()))

    async def _start(self) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        app = web.Application(client_max_size=64 << 20, handler_args={"access_log": None})
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        await self._runner.cleanup()
        assert self._session.connector is not None
        await self._session.connector.close(abort_ssl=True)
        await self._session.close()
        await asyncio.sleep(0)  # transports that were aborted close in the next turn
        await asyncio.sleep(0)

    @contextmanager
    def running(self) -> Iterator["ApiProxy"]:
        """Serve in a thread until the end of the block."""
        self._loop.run_until_complete(self._start())
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(20)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def kubeconfig(self, original: Path, target: Path) -> Path:
        """A kubeconfig like another one, but through here."""
        said = json.loads(original.read_text())
        said["clusters"][0]["cluster"] = {"server": self.url}
        target.write_text(json.dumps(said))
        return target


def _cut(watch: web.StreamResponse) -> None:
    request = watch._req  # noqa: SLF001 - aiohttp tells no other way whose answer this is
    transport = request.transport if request is not None else None
    if transport is not None:
        transport.abort()

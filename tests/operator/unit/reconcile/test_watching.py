"""Watches against an API server of our own: when one fails for good, all end, and the process can tell."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from claude_operator import names
from claude_operator.cluster.access import Access
from claude_operator.reconcile.kinds import KINDS
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.seen import Seen
from claude_operator.reconcile.store import Store
from claude_operator.reconcile.watching import WatchingEnded, registry, settings, watch

TRIES = 5
VERSIONS = sorted({(kind.group, kind.version) for kind in KINDS})


class Server:
    """Knows every kind and holds no objects. unknown: the plural of a kind that is not known any more."""

    def __init__(self) -> None:
        self.unknown = ""
        self.watches: dict[str, asyncio.Event] = {}
        self.changed = asyncio.Condition()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        about = self._discovery(request.path)
        if about is not None:
            return web.json_response(about)
        plural = request.path.rpartition("/")[2]
        if plural == self.unknown:
            return web.json_response({"kind": "Status", "code": 404, "message": "gone"}, status=404)
        if "watch" not in request.query:
            return web.json_response({"items": [], "metadata": {"resourceVersion": "1"}})
        response = web.StreamResponse()
        await response.prepare(request)
        await self._note(plural, asyncio.Event())
        try:
            await self.watches[plural].wait()
        finally:
            await self._note(plural, None)
        return response

    async def _note(self, plural: str, end: asyncio.Event | None) -> None:
        async with self.changed:
            if end is None:
                self.watches.pop(plural)
            else:
                self.watches[plural] = end
            self.changed.notify_all()

    def _discovery(self, path: str) -> object:
        if path == "/api":
            return {"versions": ["v1"]}
        if path == "/apis":
            groups = [
                (group, {"groupVersion": f"{group}/{at}", "version": at}) for group, at in VERSIONS if group
            ]
            return {
                "groups": [{"name": name, "versions": [at], "preferredVersion": at} for name, at in groups]
            }
        for group, version in VERSIONS:
            if path == (f"/apis/{group}/{version}" if group else f"/api/{version}"):
                return {"resources": [_resource(kind.plural) for kind in KINDS if kind.group == group]}
        return None

    async def until_watched(self) -> None:
        async with asyncio.timeout(60), self.changed:
            await self.changed.wait_for(lambda: len(self.watches) == len(KINDS))

    def cut(self) -> None:
        """End every watch politely, so that all are opened again."""
        for end in self.watches.values():
            end.set()


def _resource(plural: str) -> dict[str, object]:
    verbs = ["get", "list", "watch", "patch"]
    return {"name": plural, "kind": plural, "singularName": plural, "namespaced": True, "verbs": verbs}


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    """A server, and its URL."""
    made, app = Server(), web.Application()
    app.router.add_get("/{path:.*}", made.serve)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield made, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@contextlib.asynccontextmanager
async def watching(url: str, stop: asyncio.Event) -> AsyncIterator[asyncio.Task[None]]:
    """Watches at work; they have ended when the block has."""
    handlers = registry(Access(url, None), Seen(Store(lambda _: None, ())), Metrics())
    task = asyncio.create_task(watch(handlers, settings(60.0), stop, asyncio.Event()))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_watch_that_fails_for_good_ends_all(server: tuple[Server, str]) -> None:
    api, url = server
    for _ in range(TRIES):  # in which order tasks are cancelled is a matter of chance
        api.unknown = ""
        before = asyncio.all_tasks()
        async with watching(url, asyncio.Event()) as task:
            await api.until_watched()
            api.unknown = names.PLURAL
            api.cut()
            with pytest.raises(WatchingEnded, match="APINotFoundError"):
                await asyncio.wait_for(task, 60)
            assert not [each for each in asyncio.all_tasks() - before if "watcher" in each.get_name()]


async def test_watches_end_when_they_are_told_to(server: tuple[Server, str]) -> None:
    api, url = server
    stop = asyncio.Event()
    async with watching(url, stop) as task:
        await api.until_watched()
        stop.set()
        await asyncio.wait_for(task, 60)


async def test_a_part_of_kopf_that_is_cancelled_ends_all_and_is_told(server: tuple[Server, str]) -> None:
    api, url = server
    async with watching(url, asyncio.Event()) as task:
        await api.until_watched()
        (part,) = [each for each in asyncio.all_tasks() if each.get_name() == "resource observer"]
        part.cancel()
        with pytest.raises(WatchingEnded, match="resource observer was cancelled"):
            await asyncio.wait_for(task, 60)

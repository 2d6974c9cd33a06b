"""Watches against an API server of our own: what they tell, and that all end when one fails for good."""

import asyncio
import contextlib
import copy
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from types import FrameType
from typing import Any

import kopf
import pytest
from aiohttp import web
from support.worlds.objects import pod

from claude_operator import names
from claude_operator.cluster.access import Access
from claude_operator.reconcile.handlers import Memo
from claude_operator.reconcile.kinds import KINDS
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.no_essence import NoEssence
from claude_operator.reconcile.seen import Seen
from claude_operator.reconcile.store import Store
from claude_operator.reconcile.watching import WatchingEnded, watch

TRIES = 5
VERSIONS = sorted({(kind.group, kind.version) for kind in KINDS})


class Server:
    """Knows every kind and lists no objects. unknown: the plural of a kind that is not known any more."""

    def __init__(self) -> None:
        self.unknown = ""
        self.watches: dict[str, asyncio.Queue[bytes | None]] = {}
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
        await self._note(plural, lines := asyncio.Queue[bytes | None]())
        try:
            while (line := await lines.get()) is not None:
                await response.write(line)
        finally:
            await self._note(plural, None)
        return response

    async def _note(self, plural: str, lines: asyncio.Queue[bytes | None] | None) -> None:
        async with self.changed:
            if lines is None:
                self.watches.pop(plural)
            else:
                self.watches[plural] = lines
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
        for lines in self.watches.values():
            lines.put_nowait(None)

    def tell(self, change: str, plural: str, body: dict[str, Any]) -> None:
        """Have the watch of a kind tell of an object."""
        self.watches[plural].put_nowait(json.dumps({"type": change, "object": body}).encode() + b"\n")


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


class Watching:
    """Watches at work."""

    def __init__(self, url: str, take_signals_back: Callable[[], None] = lambda: None) -> None:
        self.stop, self.store = asyncio.Event(), Store(lambda _: None, ())
        memo = Memo(Access(url, None), Seen(self.store), Metrics(), watch_silence_s=60.0)
        self.task = asyncio.create_task(watch(memo, self.stop, take_signals_back))

    async def until(self, is_so: Callable[["Watching"], bool]) -> None:
        """Wait until they have told of something."""
        async with asyncio.timeout(10):
            while not is_so(self):  # noqa: ASYNC110 - the Store tells nobody
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def watching(url: str, take_signals_back: Callable[[], None] = lambda: None) -> AsyncIterator[Watching]:
    """They have ended when the block has."""
    made = Watching(url, take_signals_back)
    try:
        yield made
    finally:
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)


@contextlib.contextmanager
def counted_copies() -> Iterator[list[int]]:
    """How often `copy.deepcopy` is called in the block, nested calls included: one number."""
    copies = [0]

    def count(frame: FrameType, what: str, _: object) -> None:
        copies[0] += what == "call" and frame.f_code is copy.deepcopy.__code__

    sys.setprofile(count)
    try:
        yield copies
    finally:
        sys.setprofile(None)


async def test_what_watches_tell_is_known_until_it_is_deleted(server: tuple[Server, str]) -> None:
    api, url = server
    async with watching(url) as watches:
        await api.until_watched()
        for change, version in (("ADDED", 1), ("MODIFIED", 2)):
            api.tell(change, "pods", pod(version=version))
            await watches.until(
                lambda own, now=str(version): [each.version for each in own.store.pods.values()] == [now]
            )
        api.tell("DELETED", "pods", pod(version=3))
        await watches.until(lambda own: not own.store.pods)


async def test_of_an_object_that_is_told_no_copy_is_made(server: tuple[Server, str]) -> None:
    api, url = server
    counts = []
    async with watching(url) as watches:
        await api.until_watched()
        for version, annotations in enumerate((1, 1, 500), start=1):
            large = {f"app/{number}": "value" for number in range(annotations)}
            with counted_copies() as copies:
                api.tell("MODIFIED", "pods", pod(version=version, annotations=large))
                await watches.until(
                    lambda own, now=str(version): [each.version for each in own.store.pods.values()] == [now]
                )
            counts.append(copies[0])
    assert counts[2] == counts[1]


def test_what_would_compare_objects_is_told_that_nothing_is_kept_to_compare_with() -> None:
    body = kopf.Body(pod())
    assert NoEssence().fetch(body=body) is None
    with pytest.raises(TypeError, match=r"choose another diffbase_storage in handlers\.py"):
        NoEssence().store(body=body, patch=kopf.Patch(), essence=NoEssence().build(body=body))


async def test_signals_are_ours_while_kopf_watches(server: tuple[Server, str]) -> None:
    api, url = server
    loop, signalled = asyncio.get_running_loop(), asyncio.Event()

    def listen() -> None:
        loop.add_signal_handler(signal.SIGTERM, signalled.set)

    listen()  # so that a signal that kopf would leave to nobody ends no test run
    try:
        async with watching(url, listen) as watches:
            await api.until_watched()
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(signalled.wait(), 10)
            assert not watches.task.done()
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def test_a_watch_that_fails_for_good_ends_all(server: tuple[Server, str]) -> None:
    api, url = server
    for _ in range(TRIES):  # in which order tasks are cancelled is a matter of chance
        api.unknown = ""
        before = asyncio.all_tasks()
        async with watching(url) as watches:
            await api.until_watched()
            api.unknown = names.PLURAL
            api.cut()
            with pytest.raises(WatchingEnded, match="APINotFoundError"):
                await asyncio.wait_for(watches.task, 60)
            assert not [each for each in asyncio.all_tasks() - before if "watcher" in each.get_name()]


async def test_watches_end_when_they_are_told_to(server: tuple[Server, str]) -> None:
    api, url = server
    async with watching(url) as watches:
        await api.until_watched()
        watches.stop.set()
        await asyncio.wait_for(watches.task, 60)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("resource observer", "resource observer was cancelled"),
        # It takes its being cancelled for the operator's end, and ends as if nothing were wrong.
        ("ultimate termination", "ultimate termination ended"),
    ],
)
async def test_a_part_of_kopf_that_ends_ends_all_and_is_told(
    server: tuple[Server, str], name: str, told: str
) -> None:
    api, url = server
    async with watching(url) as watches:
        await api.until_watched()
        (part,) = [each for each in asyncio.all_tasks() if each.get_name() == name]
        part.cancel()
        with pytest.raises(WatchingEnded, match=told):
            await asyncio.wait_for(watches.task, 60)

"""Nudges against an API server that takes its time: how many at once, at which rate, and when it says no."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web
from support.worlds.make import world
from support.worlds.objects import pod

from claude_operator import names
from claude_operator.cluster.access import Access
from claude_operator.cluster.api import Api
from claude_operator.desired.desired import Nudge
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.nudger import Nudger


class Server:
    """Takes patches of pods. refusals: answers to give first. open: nothing is answered before it is set."""

    def __init__(self) -> None:
        self.values: dict[str, list[str]] = {}
        self.at_a_time = self.most_at_a_time = 0
        self.came_at: list[float] = []
        self.refusals: list[web.Response] = []
        self.answers_after_s = 0.0
        self.came, self.answered = asyncio.Queue[str](), asyncio.Queue[str]()
        self.open = asyncio.Event()
        self.open.set()

    async def patch(self, request: web.Request) -> web.Response:
        self.came_at.append(time.monotonic())
        self.at_a_time += 1
        self.most_at_a_time = max(self.most_at_a_time, self.at_a_time)
        said = await request.json()
        name = request.match_info["pod"]
        self.came.put_nowait(name)
        await asyncio.sleep(self.answers_after_s)
        await self.open.wait()
        self.at_a_time -= 1
        if self.refusals:
            return self.refusals.pop()
        self.answered.put_nowait(name)
        self.values.setdefault(name, []).append(said["metadata"]["annotations"][names.NUDGE])
        return web.json_response({})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    """A client of that server."""
    app = web.Application()
    app.router.add_patch("/api/v1/namespaces/shop/pods/{pod}", server.patch)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with Api(Access(f"http://127.0.0.1:{runner.addresses[0][1]}", None)) as client:
        yield client
    await runner.cleanup()


@contextlib.asynccontextmanager
async def nudging(api: Api, count: int, per_second: float) -> AsyncIterator[tuple[Nudger, list[Nudge]]]:
    """A nudger at work, and a nudge for each of so many pods, not given to it yet."""
    pods = {each.uid: each for each in world(pods=[pod(f"web-{at}") for at in range(count)]).pods}
    nudger = Nudger(api, per_second, pods, Metrics())
    running = asyncio.create_task(nudger.run())
    try:
        yield nudger, [Nudge(each.namespace, each.name, each.uid, "new") for each in pods.values()]
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def so_many(names_of_pods: asyncio.Queue[str], count: int) -> None:
    """Wait until so many more are in it."""
    async with asyncio.timeout(60):
        for _ in range(count):
            await names_of_pods.get()


async def test_fifty_pods_are_nudged_at_once_a_few_at_a_time(server: Server, api: Api) -> None:
    server.answers_after_s = 0.01
    took = []
    for _ in range(3):  # the shortest counts: a busy machine makes some longer
        server.came_at.clear()
        async with nudging(api, 50, per_second=20) as (nudger, wanted):
            for each in wanted:
                nudger.add(each)
            await so_many(server.answered, 50)
        took.append(server.came_at[-1] - server.came_at[0])
    assert server.most_at_a_time == 4
    assert set(server.values) == {f"web-{at}" for at in range(50)}
    assert min(took) < 2  # at 20 a second it would be 2.45 s


async def test_more_than_that_come_at_the_rate(server: Server, api: Api) -> None:
    began = time.monotonic()
    async with nudging(api, 70, per_second=20) as (nudger, wanted):
        for each in wanted:
            nudger.add(each)
        await so_many(server.answered, 70)
    assert server.came_at[-1] - began > 0.9  # 20 of them at 20 a second


async def test_server_that_asks_for_a_pause_is_left_alone_by_all(server: Server, api: Api) -> None:
    server.refusals = [web.json_response({"message": "busy"}, status=429, headers={"Retry-After": "1"})]
    async with nudging(api, 20, per_second=20) as (nudger, wanted):
        for each in wanted:
            nudger.add(each)
        await so_many(server.answered, 19)  # the refused one is given up
    gaps = [after - before for before, after in zip(server.came_at, server.came_at[1:], strict=False)]
    assert max(gaps[:4]) > 0.9  # no more came than those that were under way


async def test_pod_is_nudged_once_for_each_value_and_never_by_two_requests_at_once(
    server: Server, api: Api
) -> None:
    server.open.clear()
    async with nudging(api, 1, per_second=20) as (nudger, (first,)):
        nudger.add(first)
        nudger.add(first)
        await so_many(server.came, 1)
        for value in ("newer", "newest"):
            nudger.add(replace(first, value=value))
        server.open.set()
        await so_many(server.answered, 2)
        nudger.add(replace(first, value="newest"))
        nudger.add(replace(first, value="last"))
        await so_many(server.answered, 1)
    assert server.values["web-0"] == ["new", "newest", "last"]
    assert server.most_at_a_time == 1


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_nudge_that_is_refused_for_good_is_not_repeated_and_holds_up_nobody(
    status: int, server: Server, api: Api
) -> None:
    server.refusals = [web.json_response({"message": "denied"}, status=status)]
    async with nudging(api, 2, per_second=20) as (nudger, (refused, other)):
        nudger.add(refused)
        await so_many(server.came, 1)
        nudger.add(other)
        await so_many(server.answered, 1)
        assert server.came_at[1] - server.came_at[0] < 0.9
        for nudge in (refused, replace(other, value="newer")):
            nudger.add(nudge)
        await so_many(server.answered, 1)
        assert server.values == {"web-1": ["new", "newer"]}
        nudger.add(replace(refused, value="newer"))
        await so_many(server.answered, 1)
    assert server.values["web-0"] == ["newer"]
    assert len(server.came_at) == 4

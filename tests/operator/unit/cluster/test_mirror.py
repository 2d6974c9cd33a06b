"""A copy of objects, following an API server of our own that ends each watch as soon as it has begun."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from claude_operator.cluster.access import Access
from claude_operator.cluster.api import Api
from claude_operator.cluster.mirror import Mirror

GONE = b'{"type": "ERROR", "object": {"code": 410, "message": "too old"}}\n'


class Server:
    """Lists nothing. said: what each watch says before it ends."""

    def __init__(self) -> None:
        self.requests = 0
        self.said = b""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        if "watch" in request.query:
            return web.Response(body=self.said)
        return web.json_response({"items": [], "metadata": {"resourceVersion": "1"}})


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    """A server, and its URL."""
    made, app = Server(), web.Application()
    app.router.add_get("/{path:.*}", made.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield made, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize("said", [b"", GONE], ids=["nothing", "gone"])
async def test_server_that_ends_each_watch_at_once_is_not_asked_at_once_again(
    server: tuple[Server, str], said: bytes
) -> None:
    made, url = server
    made.said = said
    async with Api(Access(url, None)) as api:
        mirror = Mirror(api, "/api/v1/namespaces", lambda item: item)
        following = asyncio.create_task(mirror.run())
        await asyncio.sleep(0.3)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert mirror.synced
    assert made.requests == 2  # a list and a watch

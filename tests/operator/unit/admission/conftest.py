"""Makes what test folders share importable, and asks the webhook's application over a loopback socket."""

import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, web

from claude_operator.admission.metrics import Metrics
from claude_operator.admission.server import review_app
from claude_operator.inject.place import Place
from claude_operator.inject.settings import Settings

Ask = Callable[[bytes], Awaitable[tuple[int, Any]]]


@pytest.fixture
def metrics() -> Metrics:
    """What the application counts."""
    return Metrics()


@pytest.fixture
async def port(metrics: Metrics) -> AsyncIterator[int]:
    """Where the application listens, on 127.0.0.1."""
    runner = web.AppRunner(review_app(lambda namespace: Place(namespace), Settings, metrics))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
async def ask(port: int) -> AsyncIterator[Ask]:
    """Posts a body to /mutate; status and parsed answer."""
    async with ClientSession() as session:

        async def post(body: bytes) -> tuple[int, Any]:
            async with session.post(f"http://127.0.0.1:{port}/mutate", data=io.BytesIO(body)) as answer:
                text = await answer.text()
                return answer.status, json.loads(text) if text.startswith("{") else text

        yield post

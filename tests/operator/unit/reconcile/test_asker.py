"""Asking sidecars: many that never answer keep nobody from being asked, and what drips is given up."""

import asyncio
import contextlib
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from support.free_ports import free_ports
from support.worlds.make import world
from support.worlds.objects import pod

from claude_operator.desired.world import Pod
from claude_operator.reconcile.asker import FAILURES_TOLD, Asker
from claude_operator.reconcile.metrics import Metrics

SAID = b'{"hash":"h","version":"0.9.0"}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(SAID), SAID)
Listen = Callable[[str, bytes], Awaitable[None]]


@pytest.fixture
def network() -> str:
    """The beginning of loopback addresses that nobody else uses."""
    return f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}"


@pytest.fixture
def port() -> int:
    """Not the sidecars' real one: whoever runs a sidecar on this machine has that on all addresses."""
    return next(free_ports(1))


@pytest.fixture
async def listen(port: int) -> AsyncIterator[Listen]:
    """Listens where a pod's sidecar would, `listen(address, answer)`; the connection then stays open."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(address: str, answer: bytes) -> None:
            async def taken(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                stack.push_async_callback(writer.wait_closed)
                stack.callback(writer.close)
                writer.write(answer)

            server = await asyncio.start_server(taken, address, port)
            stack.callback(server.close)

        yield begin


def pods_at(addresses: list[str]) -> list[Pod]:
    """Running pods with these addresses."""
    return list(world(pods=[pod(f"p-{each}", ip=each) for each in addresses]).pods)


async def test_pods_that_never_answer_keep_no_other_from_being_asked(
    network: str, port: int, listen: Listen
) -> None:
    silent = [f"{network}.{at}" for at in range(100, 250)]
    well = f"{network}.99"  # the last to be asked, by its name
    for address in silent:
        await listen(address, b"")
    await listen(well, ANSWER)
    pods, told, metrics = pods_at([*silent, well]), asyncio.Event(), Metrics()
    asker = Asker({each.uid: each for each in pods}, 1000.0, 120.0, lambda _: told.set(), metrics, port)
    asker.follow(pods, "h")
    running = asyncio.create_task(asker.run())
    try:
        await asyncio.wait_for(told.wait(), 60)
    finally:
        running.cancel()
    (report,) = asker.reports.values()
    assert report is not None
    assert report.hash == "h"
    # Asked 32 at a time, the first 128 would have been given up before it.
    asks = dict(re.findall(r'asks_total\{result="(\w+)"\} (\d+)', metrics.render().decode()))
    assert asks["answered"] == "1"
    assert int(asks.get("silent", 0)) < 128


@pytest.mark.long
async def test_answer_that_is_never_complete_is_told_as_none_after_a_few_tries(
    network: str, port: int, listen: Listen
) -> None:
    await listen(f"{network}.1", ANSWER[:-1])
    pods, told = pods_at([f"{network}.1"]), asyncio.Event()
    metrics = Metrics()
    asker = Asker({each.uid: each for each in pods}, 1000.0, 0.01, lambda _: told.set(), metrics, port)
    asker.follow(pods, "h")
    running = asyncio.create_task(asker.run())
    try:
        await asyncio.wait_for(told.wait(), 60)
    finally:
        running.cancel()
    assert asker.reports == {pods[0].uid: None}
    assert (
        f'claude_operator_sidecar_asks_total{{result="silent"}} {FAILURES_TOLD}.0'
        in metrics.render().decode()
    )

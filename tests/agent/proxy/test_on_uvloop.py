"""The same engine on the event loop that the process really runs on, where that could make a difference."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import uvloop
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import Close, Hang, Pause, Reset, ScriptedUpstream, Until
from support.fakes.wire_bytes import (
    LAST_CHUNK,
    STREAM_HEAD,
    answer,
    chunk,
    error,
    message_body,
    stream_answer,
    stream_events,
)

EVENTS = stream_events()
STREAMED = request_bytes(body=message_body(stream=True))
COMMITTED_EVENTS = b"".join(EVENTS[:9])
COMMITTED = STREAM_HEAD + chunk(COMMITTED_EVENTS)
TRIES = 5
"""Of times that are measured the shortest counts: a busy machine makes some longer."""


def on_uvloop(scene: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await scene()

    uvloop.run(bounded())


async def until_open(upstream: ScriptedUpstream, connections: int) -> None:
    for _ in range(10_000):
        if upstream.open == connections:
            return
        await asyncio.sleep(0.001)
    pytest.fail(f"{upstream.open} connections are open, not {connections}")


def test_answers_retries_and_reuse(started) -> None:
    async def scene() -> None:
        upstream = ScriptedUpstream([error(529), [Close()], answer(200, b"third"), answer(200, b"fourth")])
        async with started(upstream) as bench:
            assert (await bench.message()).body == b"third"
            assert (await bench.message()).body == b"fourth"
            assert [request.connection for request in upstream.requests] == [0, 0, 1, 1]

    on_uvloop(scene)


def test_stream_is_held_that_comes_when_half_of_the_callers_time_is_over(started) -> None:
    async def scene() -> None:
        late = [Pause(0.6), error(529)]
        pieces = [STREAM_HEAD + chunk(EVENTS[0]), Pause(0.05), chunk(b"".join(EVENTS[1:])), LAST_CHUNK]
        upstream = ScriptedUpstream([late, pieces])
        async with started(upstream) as bench:
            got = await bench.message([(b"x-stainless-read-timeout", b"1")], stream=True)
            assert got.status == 200
            assert got.body.endswith(EVENTS[-1])

    on_uvloop(scene)


@pytest.mark.parametrize("end", [Reset(), Close()])
def test_stream_that_breaks_before_the_commit_is_asked_again(end, started) -> None:
    async def scene() -> None:
        upstream = ScriptedUpstream([[STREAM_HEAD + chunk(EVENTS[0]), end], stream_answer(EVENTS)])
        async with started(upstream) as bench:
            assert (await bench.ask(STREAMED)).body == b"".join(EVENTS)
            assert len(upstream.requests) == 2

    on_uvloop(scene)


@pytest.mark.parametrize("end", [Reset(), Close()])
def test_stream_that_breaks_after_the_commit_ends_in_an_error_of_ours(end, started) -> None:
    """It breaks once the app has what came before: a reset may take along what nobody has read yet."""

    async def scene() -> None:
        relayed = asyncio.Event()
        upstream = ScriptedUpstream([[COMMITTED, Until(relayed), end]])
        async with started(upstream) as bench, connected(bench.port) as app:
            await app.send(STREAMED)
            assert (await app.head()).status == 200
            received = b""
            while len(received) < len(COMMITTED_EVENTS):
                received += await app.chunk()
            relayed.set()
            while piece := await app.chunk():
                received += piece
            assert received.startswith(COMMITTED_EVENTS)
            assert b"gateway_stream_interrupted" in received[len(COMMITTED_EVENTS) :]
            assert await app.is_closed()

    on_uvloop(scene)


@pytest.mark.parametrize(
    "script", [[Hang()], [COMMITTED, Hang()]], ids=["before the head", "after the commit"]
)
def test_caller_that_leaves_cancels_the_upstream_within_100_ms(script, started) -> None:
    async def cancelled_after_s(bench: Any) -> float:
        async with connected(bench.port) as app:
            await app.send(STREAMED)
            await until_open(bench.first, 1)
        began = asyncio.get_running_loop().time()
        await until_open(bench.first, 0)
        return asyncio.get_running_loop().time() - began

    async def scene() -> None:
        async with started(ScriptedUpstream(otherwise=script)) as bench:
            assert min([await cancelled_after_s(bench) for _ in range(TRIES)]) < 0.1

    on_uvloop(scene)


def test_timers_fire_at_their_time(started) -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        hinted = request_bytes(lines=[(b"x-stainless-timeout", b"0.25")], body=message_body())
        took = []
        async with started(ScriptedUpstream(otherwise=[Hang()])) as bench:
            for _ in range(TRIES):
                async with connected(bench.port) as app:
                    before = loop.time()
                    await app.send(hinted)
                    got = await app.receive()
                    took.append(loop.time() - before)
                assert json.loads(got.body)["error"]["type"] == "gateway_timeout"
        assert 0.15 <= min(took) <= 0.45

    on_uvloop(scene)


def test_large_bodies_pass_both_ways(started) -> None:
    async def scene() -> None:
        body = bytes(range(256)) * (20 << 12)
        upstream = ScriptedUpstream(otherwise=answer(200, body))
        async with started(upstream) as bench:
            got = await bench.ask(request_bytes(body=body))
            assert got.body == body
            assert upstream.requests[0].body == body

    on_uvloop(scene)


def test_a_page_that_goes_makes_room_for_another_and_the_end_ends_all(started) -> None:
    async def scene() -> None:
        events = request_bytes("GET", "/events", key=None)
        async with started(ScriptedUpstream(otherwise=answer())) as bench, AsyncExitStack() as stack:
            pages = [await stack.enter_async_context(connected(bench.sidecar.admin_port)) for _ in range(8)]
            for page in pages:
                await page.send(events)
                assert ((await page.head()).status, (await page.chunk())[:15]) == (200, b"event: overview")
            assert (await bench.admin("/events")).status == 503
            pages[0].writer.close()
            await asyncio.sleep(0.1)
            last = await stack.enter_async_context(connected(bench.sidecar.admin_port))
            await last.send(events)
            assert ((await last.head()).status, bool(await last.chunk())) == (200, True)
            await bench.message()
            assert (await last.chunk())[:12] == b"event: calls"
            assert await bench.sidecar.drain()
            while await last.chunk():
                pass

    on_uvloop(scene)

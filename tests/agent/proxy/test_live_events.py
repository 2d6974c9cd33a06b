"""The stream of events behind an open page: what it tells and when, how many there are, and how it ends."""

import asyncio
import itertools
import json
import socket
from contextlib import AsyncExitStack
from typing import Any

import pytest
from support.fakes.raw_client import RawConnection, connected, request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.sse_reader import ReadEvent, read_events
from support.fakes.wire_bytes import answer, message_body

from claude_sidecar.proxy.open_files import OpenFiles

pytestmark = pytest.mark.looptime

EVENTS = request_bytes("GET", "/events", key=None)


async def opened(stack: AsyncExitStack, bench) -> RawConnection:
    """A page that has read its first overview."""
    page = await stack.enter_async_context(connected(bench.sidecar.admin_port))
    await page.send(EVENTS)
    assert (await page.head()).status == 200
    (event,) = read_events(await page.chunk())
    assert event.name == "overview"
    return page


async def read_for(page: RawConnection, seconds: float) -> list[tuple[float, bytes]]:
    """What comes within so many seconds, and when."""
    now = asyncio.get_running_loop().time
    began, read = now(), []
    try:
        async with asyncio.timeout(seconds):
            while True:
                read.append((now() - began, await page.chunk()))
                read[-1] = (now() - began, read[-1][1])
    except TimeoutError:
        return read


def events_in(read: list[tuple[float, bytes]]) -> list[ReadEvent]:
    return read_events(b"".join(data for _, data in read))


def timeless(told: Any) -> Any:
    """Without moments: on a virtual clock the wall's are another each time they are told."""
    if isinstance(told, list):
        return [timeless(each) for each in told]
    if isinstance(told, dict):
        return {
            name: timeless(value) for name, value in told.items() if name not in ("now", "startedAt", "at")
        }
    return told


def telling() -> list[str]:
    """What runs for open pages."""
    running = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
    return [name for name in running if name.startswith("LiveEvents")]


async def test_an_ended_call_is_told_within_a_second_and_the_overview_within_five(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench, AsyncExitStack() as stack:
        page = await opened(stack, bench)
        await bench.message()
        (call_at, calls), (overview_at, overview) = await read_for(page, 12)
        ((name, told),) = read_events(calls)
        assert name == "calls"
        assert timeless(json.loads(told)) == timeless(await bench.admin_json("/requests"))
        ((name, told),) = read_events(overview)
        assert (name, json.loads(told)["rollups"]["5m"]["calls"]) == ("overview", 1)
        assert call_at <= 1.1
        assert overview_at <= 5.1


async def test_the_first_event_is_the_overview_as_it_is_asked_for(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        await bench.message()
        async with connected(bench.sidecar.admin_port) as page:
            await page.send(EVENTS)
            head = await page.head()
            ((name, told),) = read_events(await page.chunk())
            asked = await bench.admin_json("/overview")
            assert (name, timeless(json.loads(told))) == ("overview", timeless(asked))
            assert head.header("content-type") == "text/event-stream"
            assert head.header("cache-control") == "no-store"
            assert head.header("content-security-policy").startswith("default-src 'none'")


async def test_calls_are_told_oldest_first_and_once(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench, AsyncExitStack() as stack:
        pages = [await opened(stack, bench) for _ in range(2)]
        for number in range(6):
            await bench.message(max_tokens=number + 1)
            await asyncio.sleep(0.4)
        for page in pages:
            told = [
                call["callId"]
                for name, data in events_in(await read_for(page, 4))
                if name == "calls"
                for call in json.loads(data)
            ]
            assert told == [call["callId"] for call in reversed(await bench.admin_json("/requests"))]


async def test_of_a_burst_the_newest_hundred_are_told(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench, AsyncExitStack() as stack:
        page = await opened(stack, bench)
        async with connected(bench.port) as app:
            for number in range(150):
                await app.send(request_bytes(body=message_body(max_tokens=number + 1)))
                await app.receive()
        (calls,) = [json.loads(data) for name, data in events_in(await read_for(page, 3)) if name == "calls"]
        listed = [call["callId"] for call in await bench.admin_json("/requests")]
        assert [call["callId"] for call in calls] == listed[99::-1]


async def test_a_page_of_a_sidecar_without_calls_is_sent_nothing_but_pings(started) -> None:
    async with started(ScriptedUpstream()) as bench, AsyncExitStack() as stack:
        page = await opened(stack, bench)
        read = await read_for(page, 1000)
        assert {data for _, data in read} == {b": \n\n"}
        times = [0.0, *(at for at, _ in read)]
        assert max(later - before for before, later in itertools.pairwise(times)) < 16
        assert len(read) < 70


async def test_a_page_that_nobody_has_open_costs_nothing(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        async with AsyncExitStack() as stack:
            assert telling() == []
            for _ in range(3):
                await opened(stack, bench)
            assert len(telling()) == 1
        await asyncio.sleep(0.01)
        assert telling() == []


async def test_eight_pages_may_be_open_and_one_that_goes_makes_room_at_once(started) -> None:
    async with started(ScriptedUpstream()) as bench, AsyncExitStack() as stack:
        pages = [await opened(stack, bench) for _ in range(8)]
        assert (await bench.admin("/events")).status == 503
        pages[3].writer.close()
        await asyncio.sleep(0.01)
        await opened(stack, bench)
        pages[4].abort()
        await asyncio.sleep(0.01)
        await opened(stack, bench)
        assert (await bench.admin("/events")).status == 503
        assert (await bench.admin("/readyz")).status == 200


async def test_pages_leave_half_of_few_connections_to_probes(started) -> None:
    async with started(ScriptedUpstream(), files=OpenFiles(limit=108)) as bench, AsyncExitStack() as stack:
        most = bench.sidecar.admin.ports["admin"].bounds.connections // 2
        for _ in range(most):
            await opened(stack, bench)
        assert (await bench.admin("/events")).status == 503
        assert [(await bench.admin("/livez")).status for _ in range(20)] == [200] * 20


async def test_a_page_that_is_read_is_never_cut(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench, AsyncExitStack() as stack:
        page = await opened(stack, bench)
        for number in range(5):
            await bench.message(max_tokens=number + 1)
            read = events_in(await read_for(page, 200))
            assert [event.name for event in read[:2]] == ["calls", "overview"]


async def test_a_page_that_does_not_read_is_dropped_and_the_others_go_on(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench, AsyncExitStack() as stack:
        good, bad = await opened(stack, bench), await opened(stack, bench)
        admin = bench.sidecar.admin.ports["admin"]
        bad.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        bad.writer.transport.pause_reading()
        assert len(admin.connections) == 2
        async with connected(bench.port) as app:
            for second in range(100):
                for number in range(100):
                    await app.send(request_bytes(body=message_body(max_tokens=second * 100 + number + 1)))
                    await app.receive()
                await read_for(good, 1.1)
                if len(admin.connections) == 1:
                    break
        assert len(admin.connections) == 1
        assert 2 < second < 60
        await bench.message()
        assert "calls" in [event.name for event in events_in(await read_for(good, 2))]


async def test_streams_end_when_the_process_drains_and_none_begins(started) -> None:
    async with started(ScriptedUpstream()) as bench, AsyncExitStack() as stack:
        pages = [await opened(stack, bench) for _ in range(3)]
        assert await bench.sidecar.drain()
        assert [await page.chunk() for page in pages] == [b""] * 3
        assert (await bench.admin("/events")).status == 503
        assert (await bench.admin("/overview")).status == 200


async def test_an_open_page_does_not_hold_up_the_end(started) -> None:
    async with AsyncExitStack() as stack:
        async with started(ScriptedUpstream()) as bench:
            page = await opened(stack, bench)
            began = asyncio.get_running_loop().time()
        assert await page.chunk() == b""
        assert asyncio.get_running_loop().time() - began < 0.5


async def test_head_tells_the_type_and_opens_nothing(started) -> None:
    async with started(ScriptedUpstream()) as bench, AsyncExitStack() as stack:
        for _ in range(9):
            page = await stack.enter_async_context(connected(bench.sidecar.admin_port))
            await page.send(request_bytes("HEAD", "/events", key=None))
            got = await page.receive(bodiless=True)
            assert (got.status, got.header("content-type")) == (200, "text/event-stream")
        await opened(stack, bench)


@pytest.mark.parametrize(
    ("method", "host", "status"), [("POST", b"localhost", 405), ("GET", b"evil.example", 403)]
)
async def test_others_open_no_stream(method, host, status, started) -> None:
    async with started(ScriptedUpstream()) as bench, connected(bench.sidecar.admin_port) as page:
        await page.send(request_bytes(method, "/events", [(b"Host", host)], key=None))
        assert (await page.receive()).status == status

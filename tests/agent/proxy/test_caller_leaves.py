"""The caller going away cancels the upstream's call at once, in every phase, and leaks nothing."""

import asyncio
from pathlib import Path

import pytest
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import Hang, ScriptedUpstream
from support.fakes.wire_bytes import (
    STREAM_HEAD,
    answer,
    chunk,
    error,
    message_body,
    stream_answer,
    stream_events,
)

pytestmark = pytest.mark.looptime

EVENTS = stream_events()
PLAIN = request_bytes(body=message_body())
STREAMED = request_bytes(body=message_body(stream=True))
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"

PHASES = {
    "before the head": (PLAIN, [Hang()]),
    "in the held body": (PLAIN, [HEAD, b"12345", Hang()]),
    "in a held stream": (STREAMED, [STREAM_HEAD, chunk(EVENTS[0]), Hang()]),
    "after the commit": (STREAMED, [STREAM_HEAD, chunk(b"".join(EVENTS[:9])), Hang()]),
    "in an upload": (
        request_bytes(target="/v1/files", lines=[(b"content-length", b"99")]) + b"begun",
        [Hang()],
    ),
    "before the head of a GET": (request_bytes("GET", "/v1/models"), [Hang()]),
}


def now() -> float:
    return asyncio.get_running_loop().time()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("phase", PHASES)
async def test_caller_that_leaves_cancels_the_upstream_within_100_ms(phase, started) -> None:
    request, script = PHASES[phase]
    async with started(ScriptedUpstream(otherwise=script)) as bench:
        async with connected(bench.port) as app:
            await app.send(request)
            await asyncio.sleep(1)
            sent = bench.first.requests[0]
            assert sent.gone_at is None
        left_at = now()
        await asyncio.sleep(0.1)
        assert sent.gone_at is not None
        assert sent.gone_at - left_at <= 0.1
        assert bench.first.open <= 1  # one is kept ready for the next call
        assert len(bench.first.requests) == 1
        assert bench.sidecar.handler.in_flight == 0


async def test_caller_that_leaves_while_a_wait_runs_is_sent_for_no_more(started) -> None:
    upstream = ScriptedUpstream([error(429, "rate_limit_error", [("retry-after", "10")]), answer()])
    async with started(upstream) as bench:
        async with connected(bench.port) as app:
            await app.send(PLAIN)
            await asyncio.sleep(5)
        await asyncio.sleep(0.1)
        assert bench.sidecar.handler.in_flight == 0
        await asyncio.sleep(60)
        assert len(upstream.requests) == 1


async def test_caller_that_leaves_while_connecting_is_connected_for_no_more(started, monkeypatch) -> None:
    cancelled = asyncio.Event()

    async def never(*_: object, **__: object) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()

    async with started(ScriptedUpstream()) as bench:
        async with connected(bench.port) as app:
            with monkeypatch.context() as patch:
                patch.setattr(asyncio.get_running_loop(), "sock_connect", never, raising=False)
                app.writer.write(PLAIN)
                await asyncio.sleep(0.05)
                assert not cancelled.is_set()
        async with asyncio.timeout(0.1):
            await cancelled.wait()


async def test_left_calls_are_told_as_cancelled(started) -> None:
    async with started(ScriptedUpstream()) as bench:
        async with connected(bench.port) as app:
            await app.send(PLAIN)
            await asyncio.sleep(1)
        await asyncio.sleep(0.1)
        call = (await bench.admin_json("/requests"))[0]
        assert (call["cancelled"], call["attempts"][0]["cancelled"]) == (True, True)


async def test_nothing_leaks_from_calls_that_end_in_any_way(started) -> None:
    upstream = ScriptedUpstream(otherwise=answer())
    async with started(upstream, limits={"maxBufferedMiB": 1}) as bench:
        await bench.message()
        await asyncio.sleep(60)
        tasks, descriptors = len(asyncio.all_tasks()), open_descriptors()
        for request, script in PHASES.values():
            upstream.otherwise = script
            for _ in range(5):
                async with connected(bench.port) as app:
                    await app.send(request)
                    await asyncio.sleep(0.5)
        upstream.otherwise = stream_answer(EVENTS)
        for _ in range(5):
            await bench.ask(STREAMED)
            await bench.ask(request_bytes(body=message_body(stream=True, system="x" * (3 << 20))))
            await bench.ask(b"no http at all\r\n\r\n")
        await asyncio.sleep(120)
        assert bench.sidecar.handler.in_flight == 0
        assert upstream.open <= 1
        assert len(asyncio.all_tasks()) <= tasks + 1
        assert open_descriptors() <= descriptors + 2


async def test_caller_that_vanishes_without_reading_frees_all(started) -> None:
    delta = chunk(b"event: content_block_delta\ndata: " + b"x" * 60_000 + b"\n\n")
    script = [STREAM_HEAD, *[delta] * 500, Hang()]
    async with started(ScriptedUpstream(otherwise=script)) as bench:
        async with connected(bench.port) as app:
            await app.send(STREAMED)
            app.writer.transport.pause_reading()
            await asyncio.sleep(5)
        await asyncio.sleep(0.2)
        assert bench.first.requests[0].gone_at is not None
        assert bench.sidecar.handler.in_flight == 0

"""Bodies without room: reading pauses, for a while; then the call is gateway_busy."""

import asyncio
import contextlib
import json
import resource
from collections.abc import Iterator

import pytest
from support.fakes.raw_client import RawAnswer, ask, connected, request_bytes
from support.fakes.scripted_upstream import Pause, Reset, ScriptedUpstream
from support.fakes.wire_bytes import (
    LAST_CHUNK,
    STREAM_HEAD,
    answer,
    chunk,
    message_body,
    stream_answer,
    stream_events,
)

pytestmark = pytest.mark.looptime

MIB = 1 << 20
CHUNKED = [(b"transfer-encoding", b"chunked")]
ONE_BODY = {"maxBufferedMiB": 1, "spoolMiB": 0}

FRAMINGS = pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])


def asked_with(mib: float, *, chunked: bool = False, lines=(), **fields) -> bytes:
    body = message_body(system="s" * int(mib * MIB), **fields)
    if chunked:
        return request_bytes(lines=[*lines, *CHUNKED]) + chunk(body) + LAST_CHUNK
    return request_bytes(lines=lines, body=body)


def begun_stream(count: int) -> bytes:
    """A stream's head and its first events; the fifth is the first delta."""
    return STREAM_HEAD + b"".join(map(chunk, stream_events()[:count]))


def assert_busy(got: RawAnswer, *words: str) -> None:
    error = json.loads(got.body)["error"]
    assert (got.status, error["type"]) == (529, "gateway_busy")
    assert (got.header("x-should-retry"), got.header("retry-after")) == ("true", "1")
    for word in words:
        assert word in error["message"]


async def after_s(port: int, request: bytes) -> tuple[RawAnswer, float]:
    """An answer, and how long it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    return await ask(port, request), loop.time() - began


@FRAMINGS
async def test_a_body_without_room_waits_until_another_is_let_go(chunked, started) -> None:
    upstream = ScriptedUpstream([[Pause(3), answer()], answer()])
    async with started(upstream, limits=ONE_BODY) as bench:
        first = asyncio.create_task(bench.ask(asked_with(0.9)))
        await asyncio.sleep(1)
        got, seconds = await after_s(bench.port, asked_with(0.9, chunked=chunked))
        assert (got.status, 2 <= seconds < 3) == (200, True)
        assert (await first).status == 200


@FRAMINGS
async def test_after_ten_seconds_without_room_a_call_is_busy(chunked, started) -> None:
    upstream = ScriptedUpstream([[Pause(60), answer()], answer()])
    async with started(upstream, limits=ONE_BODY) as bench:
        first = asyncio.create_task(bench.ask(asked_with(0.9)))
        await asyncio.sleep(1)
        got, seconds = await after_s(bench.port, asked_with(0.9, chunked=chunked))
        assert_busy(got, "limits.spoolMiB", "10.0 s")
        assert round(seconds, 1) == 10
        assert len(upstream.requests) == 1
        assert (await first).status == 200
        assert (await bench.ask(asked_with(0.9, chunked=chunked))).status == 200


async def test_half_of_the_deadline_is_the_longest_wait_for_room(started) -> None:
    upstream = ScriptedUpstream([[Pause(60), answer()]])
    async with started(upstream, limits=ONE_BODY) as bench:
        first = asyncio.create_task(bench.ask(asked_with(0.9)))
        await asyncio.sleep(1)
        hurried = asked_with(0.9, lines=[(b"x-stainless-timeout", b"8")])
        got, seconds = await after_s(bench.port, hurried)
        assert_busy(got)
        assert 3 < seconds <= 4
        await first


async def test_a_body_that_can_never_fit_is_not_waited_with(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer()), limits=ONE_BODY) as bench:
        got, seconds = await after_s(bench.port, asked_with(3))
        assert_busy(got, "limits.maxBufferedMiB", "limits.spoolMiB")
        assert seconds < 1
        assert bench.first.requests == []


async def test_bodies_of_known_size_take_their_room_before_they_come(started) -> None:
    """Or two would share the last room, and neither could ever be whole."""
    limits = {"maxBufferedMiB": 1, "spoolMiB": 4}
    async with started(ScriptedUpstream(otherwise=answer()), limits=limits) as bench:
        request = asked_with(3)
        async with connected(bench.port) as slow, connected(bench.port) as other:
            await slow.send(request[: 2 * MIB])
            await asyncio.sleep(0.1)
            await other.send(request[: 2 * MIB])
            await asyncio.sleep(1)
            await slow.send(request[2 * MIB :])
            assert (await slow.receive()).status == 200
            await other.send(request[2 * MIB :])
            assert (await other.receive()).status == 200


async def test_a_caller_who_waits_for_room_is_not_read_meanwhile(started) -> None:
    limits = {"maxBufferedMiB": 1, "spoolMiB": 31}
    upstream = ScriptedUpstream([[Pause(60), answer()]])
    async with started(upstream, limits=limits) as bench, connected(bench.port) as app:
        first = asyncio.create_task(bench.ask(asked_with(5)))
        await asyncio.sleep(1)
        await app.send(request_bytes(lines=[(b"content-length", b"%d" % (30 * MIB))]))
        sent = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                while sent < 30 * MIB:
                    await app.send(b"x" * MIB)
                    sent += MIB
        assert sent < 20 * MIB
        first.cancel()


async def test_a_caller_who_leaves_while_it_waits_leaves_no_trace(started) -> None:
    upstream = ScriptedUpstream([[Pause(3), answer()]], otherwise=answer())
    async with started(upstream, limits=ONE_BODY) as bench:
        first = asyncio.create_task(bench.ask(asked_with(0.9)))
        await asyncio.sleep(1)
        async with connected(bench.port) as app:
            await app.send(asked_with(0.9)[:50_000])
            await asyncio.sleep(1)
        assert (await first).status == 200
        for _ in range(3):
            assert (await after_s(bench.port, asked_with(0.9)))[1] < 1
        assert len(upstream.requests) == 4


async def test_the_body_of_a_committed_stream_has_left_its_room(started) -> None:
    upstream = ScriptedUpstream([[begun_stream(10), Pause(60)]], otherwise=answer())
    async with started(upstream, limits=ONE_BODY) as bench, connected(bench.port) as app:
        await app.send(asked_with(0.9, stream=True))
        await asyncio.sleep(1)
        got, seconds = await after_s(bench.port, asked_with(0.9))
        assert (got.status, seconds < 1) == (200, True)


async def test_the_body_of_a_stream_that_is_held_keeps_its_room(started) -> None:
    upstream = ScriptedUpstream(
        [[begun_stream(2), Pause(3), Reset()], stream_answer(stream_events())], otherwise=answer()
    )
    async with started(upstream, limits=ONE_BODY) as bench, connected(bench.port) as app:
        await app.send(asked_with(0.9, stream=True))
        await asyncio.sleep(1)
        got, seconds = await after_s(bench.port, asked_with(0.9))
        assert (got.status, seconds > 1) == (200, True)
        assert len(upstream.requests[1].body) == len(upstream.requests[0].body)


async def test_where_no_file_can_be_made_a_call_is_busy(started, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    async with started(ScriptedUpstream([answer()])) as bench:
        got, seconds = await after_s(bench.port, asked_with(2))
        assert_busy(got, "no temporary file can be made", "No such file or directory")
        assert round(seconds) == 10
        (tmp_path / "nowhere").mkdir()
        assert (await bench.ask(asked_with(2))).status == 200


@pytest.fixture
def files_at_most_2_mib() -> Iterator[None]:
    """A disk that fills up: files of this process may grow no further, writing more fails as there."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("files_at_most_2_mib")
@FRAMINGS
async def test_a_body_that_fills_the_disk_is_busy_and_takes_up_nothing(chunked, started) -> None:
    async with started(ScriptedUpstream(otherwise=answer()), limits={"spoolMiB": 6}) as bench:
        for _ in range(3):
            got, _ = await after_s(bench.port, asked_with(5, chunked=chunked))
            assert_busy(got, "can't be written")
        assert bench.first.requests == []
        assert (await bench.ask(asked_with(1.5, chunked=chunked))).status == 200


@pytest.mark.usefixtures("files_at_most_2_mib")
async def test_a_disk_that_gets_room_again_takes_the_rest_of_a_body(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        request = asked_with(5)
        asked = asyncio.create_task(after_s(bench.port, request))
        await asyncio.sleep(4)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 * MIB, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        got, seconds = await asked
        assert (got.status, 4 < seconds < 6) == (200, True)
        assert request.endswith(bench.first.requests[0].body)

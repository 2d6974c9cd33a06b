"""Bodies: in memory or spooled; what is over the limit; what passes once anyway."""

import asyncio
import contextlib
import json
from pathlib import Path

import pytest
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import BeforeBody, Close, Pause, Reset, ScriptedUpstream
from support.fakes.wire_bytes import LAST_CHUNK, answer, chunk, error, message_body

pytestmark = pytest.mark.looptime

MIB = 1 << 20
WIDE = {"maxAttempts": 4, "budget": {"percent": 100, "minPerSecond": 1000}}
CHUNKED = [(b"transfer-encoding", b"chunked")]


def big_body(mib: float) -> bytes:
    return message_body(system="s" * int(mib * MIB))


def open_files() -> list[str]:
    """Spool files that this process holds open."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            target = str(link.readlink())
            if Path(target).name.startswith("claude-sidecar-"):
                found.append(target)
    return found


@pytest.mark.parametrize("mib", [0.1, 0.99, 1.1, 5, 31])
@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
async def test_body_is_sent_again_whole_whatever_its_size(mib, chunked, started) -> None:
    body = big_body(mib)
    upstream = ScriptedUpstream([error(529), [Reset()], answer()])
    request = request_bytes(body=body)
    if chunked:
        request = request_bytes(lines=CHUNKED) + chunk(body) + LAST_CHUNK
    async with started(upstream) as bench:
        got = await bench.ask(request)
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (200, "3")
        assert [sent.body == body for sent in upstream.requests] == [True] * 3
        assert open_files() == []


async def test_spooled_body_is_in_an_unlinked_file(started, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spool"))
    (tmp_path / "spool").mkdir()
    async with started(ScriptedUpstream([[Pause(5), answer()]])) as bench, connected(bench.port) as app:
        await app.send(request_bytes(body=big_body(3)))
        await asyncio.sleep(1)
        assert len(open_files()) == 1
        assert list((tmp_path / "spool").iterdir()) == []
        assert (await app.receive()).status == 200
        assert open_files() == []


async def test_model_and_stream_are_read_from_a_spooled_body(started) -> None:
    routes = [{"models": [{"name": "claude-opus-4-8", "id": "opus"}]}]
    async with started(ScriptedUpstream(otherwise=answer()), routes=routes) as bench:
        body = json.dumps({"system": "s" * 2 * MIB, "model": "claude-opus-4-8", "stream": True}).encode()
        await bench.ask(request_bytes(body=body))
        sent = bench.first.requests[0]
        assert sent.header(b"accept-encoding") == b"identity"
        assert sent.body == body.replace(b'"claude-opus-4-8"', b'"opus"')


async def test_body_without_room_in_memory_is_spooled(started) -> None:
    limits = {"maxBufferedMiB": 1, "spoolMiB": 256}
    script = [Pause(5), answer()]
    async with started(ScriptedUpstream(otherwise=script), limits=limits) as bench:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(bench.message(system="s" * (700 << 10))) for _ in range(3)]
            await asyncio.sleep(1)
            assert len(open_files()) == 2
        assert [task.result().status for task in asked] == [200, 200, 200]


async def test_room_is_given_back(started) -> None:
    limits = {"maxBufferedMiB": 1, "spoolMiB": 3}
    async with started(ScriptedUpstream(otherwise=error(529)), limits=limits, retry=WIDE) as bench:
        for _ in range(5):
            got = await bench.message(system="s" * 2 * MIB)
            assert got.header("x-claude-sidecar-attempts") == "4"


@pytest.mark.parametrize("size", [32 * MIB + 1, 100 << 30])
async def test_declared_body_over_the_limit_is_refused_without_reading_it(size, started) -> None:
    async with started(ScriptedUpstream()) as bench, connected(bench.port) as app:
        await app.send(request_bytes(lines=[(b"content-length", b"%d" % size)]))
        got = await app.receive()
        assert got.status == 413
        assert json.loads(got.body)["error"]["type"] == "gateway_request_too_large"
        assert got.header("x-claude-sidecar-hint")
        assert got.header("x-should-retry") == "false"
        assert await app.is_closed(within_s=5)
        assert bench.first.connections == 0


async def test_chunked_body_over_the_limit_is_refused_as_soon_as_it_is_known(started) -> None:
    async with started(ScriptedUpstream(), limits={"maxBodyMiB": 2}) as bench, connected(bench.port) as app:
        await app.send(request_bytes(lines=CHUNKED) + chunk(b"x" * MIB))
        await app.send(chunk(b"x" * MIB) + chunk(b"y"))
        got = await app.receive()
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (413, "0")
        assert open_files() == []


async def test_expecting_caller_of_too_large_a_body_is_not_asked_for_it(started) -> None:
    lines = [(b"expect", b"100-continue"), (b"content-length", b"%d" % (33 * MIB))]
    async with started(ScriptedUpstream()) as bench:
        got = await bench.ask(request_bytes(lines=lines))
        assert (got.status, got.interim) == (413, [])


async def test_upload_elsewhere_is_streamed_whatever_its_size(started) -> None:
    piece = bytes(range(256)) * 4096
    upstream = ScriptedUpstream(otherwise=answer())
    async with started(upstream, limits={"maxBodyMiB": 2}) as bench, connected(bench.port) as app:
        lines = [(b"content-length", b"%d" % (40 * MIB)), (b"content-type", b"multipart/form-data; b=x")]
        await app.send(request_bytes(target="/v1/files", lines=lines))
        for _ in range(40):
            await app.send(piece)
        assert (await app.receive()).status == 200
        assert bench.first.requests[0].body == piece * 40
        assert open_files() == []


async def test_upload_reaches_the_upstream_while_it_is_still_coming(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench, connected(bench.port) as app:
        await app.send(request_bytes(target="/v1/files", lines=CHUNKED) + chunk(b"first"))
        await asyncio.sleep(1)
        assert len(bench.first.requests) == 1
        await app.send(chunk(b" second") + LAST_CHUNK)
        assert (await app.receive()).status == 200
        assert bench.first.requests[0].body == b"first second"
        assert bench.first.requests[0].header(b"transfer-encoding") == b"chunked"


async def test_slow_upstream_holds_an_upload_back(started) -> None:
    upstream = ScriptedUpstream([[BeforeBody(), Pause(60), Close()]])
    async with started(upstream) as bench, connected(bench.port) as app:
        lines = [(b"content-length", b"%d" % (200 * MIB))]
        await app.send(request_bytes(target="/v1/files", lines=lines))
        sent = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30):
                while sent < 200 * MIB:
                    await app.send(b"x" * MIB)
                    sent += MIB
        assert sent < 40 * MIB


async def test_answer_that_comes_before_the_bodys_end_is_delivered(started) -> None:
    upstream = ScriptedUpstream([[BeforeBody(), error(413, "request_too_large"), Pause(1), Close()]])
    async with started(upstream) as bench, connected(bench.port) as app:
        lines = [(b"content-length", b"%d" % (30 * MIB))]
        await app.send(request_bytes(target="/v1/files", lines=lines) + b"x" * MIB)
        got = await app.receive()
        assert (got.status, got.header("x-claude-sidecar-cause")) == (413, "TooLarge")

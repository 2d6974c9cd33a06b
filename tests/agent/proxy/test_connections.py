"""Connections of both ports are bounded: idle ones, half-sent heads and bodies are given up in time."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from support.fakes.raw_client import RawConnection, connected, request_bytes
from support.fakes.scripted_upstream import Pause, ScriptedUpstream
from support.fakes.wire_bytes import answer, chunk, message_body

from claude_sidecar.proxy.open_files import OpenFiles

pytestmark = pytest.mark.looptime

GET = request_bytes("GET", "/v1/models")
STATUS = request_bytes("GET", "/status", key=None)
PORTS = {"data": (GET, 30, 300), "admin": (STATUS, 10, 75)}


def port_of(bench, name: str) -> int:
    return bench.port if name == "data" else bench.sidecar.admin_port


async def closes_after_s(app: RawConnection, longest_s: float = 1000) -> float:
    """How long the other side keeps the connection."""
    began = asyncio.get_running_loop().time()
    assert await app.is_closed(within_s=longest_s)
    return asyncio.get_running_loop().time() - began


@pytest.mark.parametrize("name", PORTS)
async def test_silent_connection_is_closed(name, started) -> None:
    _, head_s, _ = PORTS[name]
    async with started(ScriptedUpstream()) as bench, connected(port_of(bench, name)) as app:
        assert await closes_after_s(app) == pytest.approx(head_s, abs=0.1)


@pytest.mark.parametrize("name", PORTS)
async def test_connection_that_rests_between_requests_is_closed_later(name, started) -> None:
    request, _, idle_s = PORTS[name]
    upstream = ScriptedUpstream(otherwise=answer())
    async with started(upstream) as bench, connected(port_of(bench, name)) as app:
        for _ in range(2):
            await asyncio.sleep(9)
            await app.send(request)
            got = await app.receive()
            assert (got.status, got.header("connection")) == (200, None)
        assert await closes_after_s(app) == pytest.approx(idle_s, abs=0.1)


@pytest.mark.parametrize("name", PORTS)
@pytest.mark.parametrize("cut", [1, 20, -1])
async def test_half_a_head_is_given_up_however_it_trickles(name, cut, started) -> None:
    request, head_s, _ = PORTS[name]
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        async with connected(port_of(bench, name)) as app:
            await app.send(request)
            assert (await app.receive()).status == 200
            await asyncio.sleep(50)
            began = asyncio.get_running_loop().time()
            for byte in request[:cut]:
                await app.send(bytes([byte]))
                await asyncio.sleep(0.1)
            assert await app.is_closed(within_s=100)
            assert asyncio.get_running_loop().time() - began == pytest.approx(head_s, abs=0.1)
        assert len(bench.first.requests) == (name == "data")


@pytest.mark.parametrize("name", PORTS)
async def test_head_that_comes_in_time_is_answered(name, started) -> None:
    request, head_s, _ = PORTS[name]
    upstream = ScriptedUpstream(otherwise=answer())
    async with started(upstream) as bench, connected(port_of(bench, name)) as app:
        await app.send(request[:20])
        await asyncio.sleep(head_s - 1)
        await app.send(request[20:])
        assert (await app.receive()).status == 200
        await asyncio.sleep(2)
        await app.send(request)
        assert (await app.receive()).status == 200


async def test_long_call_is_not_taken_for_a_connection_at_rest(started) -> None:
    async with started(ScriptedUpstream(otherwise=[Pause(500), answer()])) as bench:
        assert (await bench.message()).status == 200


BODIES = {
    "kept, by its length": request_bytes(lines=[(b"content-length", b"99")]) + b"{",
    "kept, in chunks": request_bytes(lines=[(b"transfer-encoding", b"chunked")]) + chunk(b"{"),
    "kept, not begun": request_bytes(lines=[(b"content-length", b"99")]),
    "kept, large": request_bytes(lines=[(b"content-length", b"%d" % (2 << 20))]) + b"x" * (1 << 20),
    "passed on": request_bytes(target="/v1/files", lines=[(b"content-length", b"99")]) + b"begun",
    "passed on, in chunks": request_bytes(target="/v1/files", lines=[(b"transfer-encoding", b"chunked")]),
}


@pytest.mark.parametrize("name", BODIES)
async def test_half_a_body_is_given_up_and_told(name, started) -> None:
    async with started(ScriptedUpstream()) as bench, connected(bench.port) as app:
        began = asyncio.get_running_loop().time()
        await app.send(BODIES[name])
        got = await app.receive()
        assert asyncio.get_running_loop().time() - began == pytest.approx(60, abs=0.5)
        error = json.loads(got.body)["error"]
        assert (got.status, error["type"]) == (400, "gateway_bad_request")
        assert "did not come in time" in error["message"]
        assert got.header("connection") == "close"
        assert await app.is_closed(within_s=5)
        await asyncio.sleep(0.1)
        assert bench.sidecar.handler.in_flight == 0
        assert all(request.gone_at is not None for request in bench.first.requests)


async def test_body_that_trickles_is_given_up_at_the_calls_deadline(started) -> None:
    body = message_body()
    async with started(ScriptedUpstream(), timeouts={"total": "90s"}) as bench, connected(bench.port) as app:
        began = asyncio.get_running_loop().time()
        await app.send(request_bytes(lines=[(b"content-length", b"%d" % len(body))]))
        for byte in body[:5]:
            await app.send(bytes([byte]))
            await asyncio.sleep(16)
        assert (await app.receive()).status == 400
        assert asyncio.get_running_loop().time() - began == pytest.approx(89, abs=1)
        assert bench.first.requests == []


@pytest.mark.parametrize("target", ["/v1/messages", "/v1/files"])
async def test_chunk_that_is_none_in_a_later_segment_ends_the_call(target, started) -> None:
    async with started(ScriptedUpstream()) as bench, connected(bench.port) as app:
        await app.send(
            request_bytes(target=target, lines=[(b"transfer-encoding", b"chunked")]) + chunk(b"hello")
        )
        await asyncio.sleep(1)
        await app.send(b"ZZ\r\nx\r\n")
        got = await app.receive()
        assert (got.status, json.loads(got.body)["error"]["type"]) == (400, "gateway_bad_request")
        assert await app.is_closed(within_s=5)
        assert bench.sidecar.handler.in_flight == 0


async def test_admin_port_keeps_64_connections_and_lets_the_oldest_that_rests_go(started) -> None:
    async with started(ScriptedUpstream()) as bench, AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(connected(bench.sidecar.admin_port)) for _ in range(64)]
        assert not await silent[0].is_closed(within_s=0.1)
        for gone in silent[:10]:
            app = await stack.enter_async_context(connected(bench.sidecar.admin_port))
            await app.send(STATUS)
            assert (await app.receive()).status == 200
            assert await gone.is_closed(within_s=0.1)
        assert not await silent[10].is_closed(within_s=0.1)


async def test_silent_connections_keep_no_one_from_the_admin_port(started) -> None:
    async with started(ScriptedUpstream()) as bench, AsyncExitStack() as stack:
        for _ in range(300):
            await stack.enter_async_context(connected(bench.sidecar.admin_port))
        for path in ("/livez", "/readyz", "/metrics", "/status"):
            assert (await bench.admin(path)).status == 200


async def test_admin_connection_that_does_not_read_its_answer_is_cut(started) -> None:
    async with started(ScriptedUpstream()) as bench, connected(bench.sidecar.admin_port) as app:
        app.writer.transport.pause_reading()
        for _ in range(3000):
            app.writer.write(STATUS)
        await asyncio.sleep(200)
        assert len(bench.sidecar.admin.ports["admin"].connections) == 0


async def test_data_port_lets_a_resting_connection_go_for_a_new_one_but_never_a_call(started) -> None:
    upstream, files = ScriptedUpstream(otherwise=[Pause(5), answer()]), OpenFiles(limit=108)
    assert files.connections == 17
    async with started(upstream, files=files) as bench, AsyncExitStack() as stack:
        busy = [await stack.enter_async_context(connected(bench.port)) for _ in range(8)]
        resting = [await stack.enter_async_context(connected(bench.port)) for _ in range(9)]
        for app in busy:
            await app.send(GET)
        await asyncio.sleep(0.1)
        newest = await stack.enter_async_context(connected(bench.port))
        assert await resting[0].is_closed(within_s=0.1)
        await newest.send(GET)
        assert [(await app.receive()).status for app in (*busy, newest)] == [200] * 9


async def test_connections_are_counted(started) -> None:
    async with started(ScriptedUpstream()) as bench, connected(bench.port), connected(bench.port):
        told = (await bench.admin("/metrics")).body
        assert b'claude_sidecar_connections{port="data"} 2' in told
        assert b'claude_sidecar_connections{port="admin"} 1' in told


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(b"GET /nothing", 404), (b"DELETE /status", 405), (b"HEAD /status", 200), (b"GET http://a/status", 200)],
)
async def test_admin_port_tells_what_it_has_not(request_line, status, started) -> None:
    async with started(ScriptedUpstream()) as bench, connected(bench.sidecar.admin_port) as app:
        await app.send(request_line + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = await app.receive(bodiless=request_line.startswith(b"HEAD"))
        assert got.status == status
        assert got.header("cache-control") == "no-store"


async def test_admin_port_logs_nothing_of_what_is_no_http(started, caplog) -> None:
    async with started(ScriptedUpstream()) as bench, connected(bench.sidecar.admin_port) as app:
        await app.send(b"sk-ant-api03-MARKER no http\r\n\r\n")
        got = await app.receive()
        assert (got.status, b"MARKER" in got.body) == (400, False)
        assert await app.is_closed()
    assert caplog.text == ""

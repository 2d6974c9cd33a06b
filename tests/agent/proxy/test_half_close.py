"""A caller that closes its sending side gets its answer; one that closes everything is gone at once."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest
import uvloop
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import Hang, Pause, ScriptedUpstream
from support.fakes.wire_bytes import (
    STREAM_HEAD,
    answer,
    chunk,
    error,
    message_body,
    stream_answer,
    stream_events,
)

from claude_sidecar.proxy.caller_socket import caller_has_left

EVENTS = stream_events()
PLAIN = request_bytes(body=message_body())
STREAMED = request_bytes(body=message_body(stream=True))
SILENT = {
    "before the head": (PLAIN, [Hang()]),
    "in a held stream": (STREAMED, [STREAM_HEAD, chunk(EVENTS[0]), Hang()]),
    "after the commit": (STREAMED, [STREAM_HEAD, chunk(b"".join(EVENTS[:9])), Hang()]),
}


@pytest.mark.looptime
@pytest.mark.parametrize("silence_s", [0, 0.01, 1, 60])
async def test_half_closed_caller_gets_its_answer_and_then_the_end(silence_s, started) -> None:
    async with started(ScriptedUpstream(otherwise=[Pause(silence_s), answer()])) as bench:
        async with connected(bench.port) as app:
            await app.send(PLAIN)
            app.writer.write_eof()
            assert (await app.receive()).status == 200
            assert await app.is_closed()
        assert not (await bench.admin_json("/requests"))[0]["cancelled"]


@pytest.mark.looptime
async def test_half_closed_caller_gets_its_stream_and_every_cure(started) -> None:
    slow = [STREAM_HEAD, *(step for event in EVENTS for step in (Pause(2), chunk(event))), b"0\r\n\r\n"]
    async with started(ScriptedUpstream([error(529), slow])) as bench, connected(bench.port) as app:
        await app.send(STREAMED)
        await asyncio.sleep(1)
        app.writer.write_eof()
        assert (await app.receive()).body == b"".join(EVENTS)


@pytest.mark.looptime
async def test_pipelined_requests_of_a_half_closed_caller_are_all_answered(started) -> None:
    upstream = ScriptedUpstream([[Pause(1), answer(200, b"1")], answer(404, b"2"), stream_answer(EVENTS)])
    async with started(upstream) as bench, connected(bench.port) as app:
        await app.send(PLAIN * 2 + STREAMED)
        app.writer.write_eof()
        assert [(await app.receive()).body for _ in range(3)] == [b"1", b"2", b"".join(EVENTS)]
        assert await app.is_closed()


@pytest.mark.looptime
async def test_what_is_no_http_is_answered_to_a_half_closed_caller_too(started) -> None:
    async with started(ScriptedUpstream()) as bench, connected(bench.port) as app:
        await app.send(b"nonsense\r\n\r\n")
        app.writer.write_eof()
        assert (await app.receive()).status == 400


@pytest.mark.looptime
@pytest.mark.parametrize("phase", SILENT)
async def test_half_closed_caller_that_then_leaves_cancels_the_upstream_within_100_ms(phase, started) -> None:
    request, script = SILENT[phase]
    async with started(ScriptedUpstream(otherwise=script)) as bench:
        async with connected(bench.port) as app:
            await app.send(request)
            app.writer.write_eof()
            await asyncio.sleep(30)
            assert bench.first.requests[0].gone_at is None
            left_at = asyncio.get_running_loop().time()
        await asyncio.sleep(0.1)
        assert bench.first.requests[0].gone_at is not None
        assert bench.first.requests[0].gone_at - left_at <= 0.1
        assert bench.sidecar.handler.in_flight == 0


@pytest.mark.looptime
async def test_half_closed_caller_without_a_whole_request_is_gone(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        for piece in (b"", b"POST /v1/messages HTT", request_bytes(lines=[(b"content-length", b"9")]) + b"{"):
            async with connected(bench.port) as app:
                await app.send(piece)
                await asyncio.sleep(0.1)
                app.writer.write_eof()
                assert await app.is_closed()
        assert bench.first.requests == []
        assert bench.sidecar.handler.in_flight == 0


@pytest.mark.looptime
async def test_where_the_kernel_cannot_tell_half_closing_counts_as_leaving(started, monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "another")
    async with started(ScriptedUpstream()) as bench, connected(bench.port) as app:
        await app.send(PLAIN)
        await asyncio.sleep(1)
        app.writer.write_eof()
        await asyncio.sleep(0.1)
        assert bench.first.requests[0].gone_at is not None


@pytest.mark.looptime
async def test_admin_port_answers_a_half_closed_caller(started) -> None:
    async with started(ScriptedUpstream()) as bench, connected(bench.sidecar.admin_port) as app:
        await app.send(request_bytes("GET", "/status", key=None))
        app.writer.write_eof()
        assert (await app.receive()).status == 200
        assert await app.is_closed()


async def true_soon(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not come true")


def test_the_same_on_the_loop_that_the_process_runs_on(started) -> None:
    async def scene() -> None:
        upstream = ScriptedUpstream([[Pause(0.2), answer()], [Hang()]])
        async with started(upstream) as bench:
            async with connected(bench.port) as app:
                await app.send(PLAIN)
                app.writer.write_eof()
                assert (await app.receive()).status == 200
                assert await app.is_closed(within_s=5)
            async with connected(bench.port) as app:
                await app.send(PLAIN)
                app.writer.write_eof()
                await true_soon(lambda: len(upstream.requests) == 2)
                await asyncio.sleep(0.2)
                assert upstream.requests[1].gone_at is None
            await true_soon(lambda: upstream.requests[1].gone_at is not None)

    uvloop.run(scene())


def ends_of_a_connection() -> tuple[socket.socket, socket.socket]:
    """The caller's end and ours."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        caller = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
        return caller, ours


def left(ours: socket.socket) -> bool:
    return caller_has_left(ours.getpeername(), ours.getsockname())


def test_kernel_tells_a_closed_socket_from_one_that_only_sends_no_more() -> None:
    caller, ours = ends_of_a_connection()
    with ours:
        with caller:
            assert not left(ours)
            caller.shutdown(socket.SHUT_WR)
            assert not left(ours)
        assert left(ours)


@pytest.mark.processes
def test_socket_that_another_process_still_holds_is_not_closed() -> None:
    caller, ours = ends_of_a_connection()
    with ours:
        holder = subprocess.Popen(["sleep", "60"], pass_fds=[caller.fileno()])
        try:
            caller.shutdown(socket.SHUT_WR)
            caller.close()
            assert not left(ours)
        finally:
            holder.kill()
            holder.wait()
        assert left(ours)


@pytest.mark.parametrize(
    "caller",
    [
        ("127.0.0.1", 1),
        ("127.0.0.1", 70_000),
        ("::1", 80, 0, 0),
        ("not an address", 80),
        ("127.0.0.1",),
        None,
        "/a",
    ],
)
def test_what_the_kernel_does_not_know_has_left(caller: object) -> None:
    assert caller_has_left(caller, ("127.0.0.1", 2))

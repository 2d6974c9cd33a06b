"""What the limit of open files allows."""

import asyncio
import contextlib
import json
import os
import resource
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import Close, Hang, Pause, ScriptedUpstream
from support.fakes.wire_bytes import (
    LAST_CHUNK,
    OVERLOADED_EVENT,
    STREAM_HEAD,
    answer,
    chunk,
    error,
    message_body,
    stream_events,
)

from claude_sidecar.proxy.open_files import OpenFiles

SECOND_ROUND = {"maxAttempts": 3, "backoff": {"initial": "1s", "max": "30s"}}
"""A round's repeat comes no sooner than a second and a half after its end or beginning."""


@given(st.integers(min_value=1, max_value=1 << 20))
def test_calls_fit_within_the_limit_and_one_is_always_allowed(limit: int) -> None:
    files = OpenFiles(limit)
    assert files.calls >= 1
    assert files.connections > files.calls
    assert limit < 128 or files.calls + files.connections + files.admin_connections <= limit - 64


def test_usual_limits_allow_the_default_policy() -> None:
    assert OpenFiles(4096).calls >= 512
    assert OpenFiles(1024).calls == 421


@pytest.mark.looptime
async def test_calls_beyond_what_files_allow_are_told_of_the_limit(started) -> None:
    upstream = ScriptedUpstream(otherwise=[Hang()])
    async with started(upstream, files=OpenFiles(limit=75)) as bench:
        busy = [asyncio.create_task(bench.message()) for _ in range(1)]
        await asyncio.sleep(0.1)
        got = await bench.message()
        error = json.loads(got.body)["error"]
        assert (got.status, error["type"], got.header("x-should-retry")) == (529, "gateway_busy", "true")
        assert "1 calls are in flight: the sidecar may open 75 files" in error["message"]
        assert "ulimit -Hn" in error["message"]
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


@contextlib.contextmanager
def no_more_files() -> Iterator[None]:
    """As many files as are open now, and not one more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_file = os.open(os.devnull, os.O_RDONLY)
    os.close(next_file)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_file, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.looptime
async def test_connection_at_rest_makes_room_for_a_call(started) -> None:
    upstream = ScriptedUpstream(otherwise=answer())
    async with started(upstream) as bench, connected(bench.port) as app:
        assert (await bench.message()).status == 200
        assert upstream.open == 1
        with no_more_files():
            # This kind of call does not reuse connections.
            await app.send(request_bytes(target="/v1/files", body=message_body()))
            assert (await app.receive()).status == 200
        assert upstream.connections == 2
        assert len((await bench.admin_json("/requests"))[0]["attempts"]) == 1


@pytest.mark.looptime
async def test_call_without_a_socket_for_it_is_told_and_held_against_no_route(started) -> None:
    upstream = ScriptedUpstream(otherwise=answer())
    async with started(upstream, circuitBreaker={"minRequests": 1}) as bench, connected(bench.port) as app:
        with no_more_files():
            await app.send(request_bytes(body=message_body()))
            got = await app.receive()
        assert (got.status, json.loads(got.body)["error"]["type"]) == (529, "gateway_busy")
        assert got.header("x-claude-sidecar-attempts") == "0"
        assert (await bench.message()).status == 200
        (route,) = await bench.admin_json("/routes")
        assert (route["breaker"], route["lastError"]) == ("closed", None)


@pytest.mark.looptime
async def test_answer_in_hand_is_delivered_where_its_repeat_gets_no_socket(started, caplog) -> None:
    busy = error(529, "overloaded_error", [("connection", "close")])
    first, second = ScriptedUpstream([busy], answer()), ScriptedUpstream([busy], answer())
    async with started(first, second, retry=SECOND_ROUND) as bench, connected(bench.port) as app:
        await app.send(request_bytes(body=message_body()))
        await asyncio.sleep(0.5)
        with no_more_files():
            got = await app.receive()
        assert (got.status, got.body) == (529, busy.rpartition(b"\r\n\r\n")[2])
        assert (got.header("x-should-retry"), got.header("x-claude-sidecar-route")) == (None, "second")
        assert got.header("x-claude-sidecar-attempts") == "2"
        (call,) = await bench.admin_json("/requests")
        assert [each["route"] for each in call["attempts"]] == ["first", "second"]
        assert [(each["from"], each["to"]) for each in call["fallbacks"]] == [("first", "second")]
        assert "out of files: none is left for connections" in caplog.text
        assert (await bench.message()).status == 200


@pytest.mark.looptime
async def test_without_an_answer_in_hand_a_repeat_that_gets_no_socket_is_our_own_trouble(started) -> None:
    async with started(ScriptedUpstream([[Close()]]), retry=SECOND_ROUND) as bench:
        async with connected(bench.port) as app:
            await app.send(request_bytes(body=message_body()))
            await asyncio.sleep(0.5)
            with no_more_files():
                got = await app.receive()
        assert (got.status, json.loads(got.body)["error"]["type"]) == (529, "gateway_busy")
        assert (got.header("x-should-retry"), got.header("x-claude-sidecar-attempts")) == ("true", "1")


@pytest.mark.looptime
async def test_open_stream_ends_in_the_answer_in_hand_where_its_repeat_gets_no_socket(started) -> None:
    thinking = [STREAM_HEAD, chunk(stream_events()[0]), Pause(0.4), chunk(OVERLOADED_EVENT), LAST_CHUNK]
    stream = {"quietAfter": "200ms"}
    async with started(ScriptedUpstream([thinking]), retry=SECOND_ROUND, stream=stream) as bench:
        async with connected(bench.port) as app:
            await app.send(request_bytes(body=message_body(stream=True)))
            await asyncio.sleep(0.5)
            with no_more_files():
                got = await app.receive()
        assert (got.status, got.body, got.end) == (200, OVERLOADED_EVENT, "whole")

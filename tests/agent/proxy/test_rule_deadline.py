"""Deadline, time-outs and commit."""

import asyncio
import contextlib
import json
import socket

import pytest
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import Close, Hang, Pause, Reset, ScriptedUpstream
from support.fakes.wire_bytes import (
    LAST_CHUNK,
    PING,
    STREAM_HEAD,
    answer,
    chunk,
    error,
    message_body,
    stream_answer,
    stream_events,
)

pytestmark = pytest.mark.looptime

WIDE = {"maxAttempts": 10, "budget": {"percent": 100, "minPerSecond": 1000}}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n"
STREAMED = request_bytes(body=message_body(stream=True))


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    ("lines", "until"),
    [
        ([(b"X-Stainless-Timeout", b"2")], 1.9),
        ([(b"x-stainless-read-timeout", b"30"), (b"x-stainless-timeout", b"60")], 29.75),
    ],
)
async def test_deadline_is_the_smallest_patience_less_its_margin(lines, until, started) -> None:
    async with started(ScriptedUpstream()) as bench:
        got = await bench.message(lines)
        assert (got.status, json.loads(got.body)["error"]["type"]) == (504, "gateway_timeout")
        assert bench.first.requests[0].gone_at == pytest.approx(until, abs=0.05)


async def test_total_of_the_policy_is_a_deadline_too(started) -> None:
    async with started(ScriptedUpstream(), timeouts={"total": "10s"}) as bench:
        assert (await bench.message()).status == 504
        assert bench.first.requests[0].gone_at == pytest.approx(9.75, abs=0.05)


async def test_attempt_still_running_at_the_deadline_is_cancelled(started) -> None:
    upstream = ScriptedUpstream([error(529), [Hang()]])
    async with started(upstream, retry=WIDE) as bench:
        got = await bench.message([(b"x-stainless-timeout", b"10")])
        assert got.status == 529
        assert upstream.requests[1].gone_at == pytest.approx(9.75, abs=0.05)


@pytest.mark.parametrize("target", ["/v1/messages", "/v1/messages/batches", "/v1/files"])
async def test_answer_that_is_coming_at_the_deadline_is_begun_and_not_cut(target, started) -> None:
    """The caller's time-out counts from what it receives."""
    script = [HEAD, Pause(6), b"12345", Pause(6), b"67890"]
    async with started(ScriptedUpstream([script])) as bench, connected(bench.port) as app:
        lines = [(b"x-stainless-timeout", b"10")]
        await app.send(request_bytes(target=target, lines=lines, body=message_body()))
        assert (await app.head()).status == 200
        assert now() == pytest.approx(9.75, abs=0.05)
        assert await app.reader.readexactly(10) == b"1234567890"


async def test_after_the_commit_the_deadline_does_not_hold(started) -> None:
    events = stream_events()
    steps = [step for one in events for step in (chunk(one), Pause(10))]
    async with started(ScriptedUpstream([[STREAM_HEAD, *steps, LAST_CHUNK]])) as bench:
        got = await bench.ask(
            request_bytes(lines=[(b"x-stainless-timeout", b"60")], body=message_body(stream=True))
        )
        assert (got.body.replace(PING, b""), got.end) == (b"".join(events).replace(PING, b""), "whole")
        assert now() > 300


async def test_idle_holds_after_the_commit(started) -> None:
    script = [STREAM_HEAD, chunk(b"".join(stream_events()[:9])), Hang()]
    async with started(ScriptedUpstream([script]), timeouts={"idle": "7s"}) as bench:
        got = await bench.ask(STREAMED)
        assert b"gateway_stream_interrupted" in got.body
        await asyncio.sleep(0.01)
        assert bench.first.requests[0].gone_at == pytest.approx(7, abs=0.05)


@pytest.mark.parametrize("stream", [True, False])
async def test_first_byte_applies_to_streams_and_not_to_other_messages(stream, started) -> None:
    late = [Pause(20), stream_answer(stream_events()) if stream else answer()]
    soon = stream_answer(stream_events())
    first, second = ScriptedUpstream([late]), ScriptedUpstream([[Pause(9), soon]])
    async with started(first, second, timeouts={"firstByte": "10s"}) as bench:
        got = await bench.message(stream=stream)
        expected = ("2", 19) if stream else ("1", 20)
        assert (got.header("x-claude-sidecar-attempts"), round(now())) == expected


async def test_first_byte_applies_to_count_tokens(started) -> None:
    second = ScriptedUpstream(otherwise=answer(200, b'{"input_tokens":3}'))
    async with started(ScriptedUpstream(), second, timeouts={"firstByte": "3s"}) as bench:
        got = await bench.ask(request_bytes(target="/v1/messages/count_tokens", body=message_body()))
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (200, "2")
        assert second.requests[0].at == pytest.approx(3, abs=0.05)


async def test_first_byte_ends_no_attempt_of_a_call_that_has_no_other_route_to_go_to(started) -> None:
    late = [Pause(50), stream_answer(stream_events())]
    async with started(ScriptedUpstream([late]), timeouts={"firstByte": "10s"}) as bench:
        got = await bench.ask(STREAMED)
        assert (got.status, got.header("x-claude-sidecar-attempts"), round(now())) == (200, "1", 50)


async def test_after_every_route_was_tried_the_last_attempt_runs_to_the_deadline(started) -> None:
    timeouts = {"firstByte": "1s", "total": "4s"}
    async with started(ScriptedUpstream(), ScriptedUpstream(), retry=WIDE, timeouts=timeouts) as bench:
        got = await bench.ask(STREAMED)
        assert (got.status, got.header("x-should-retry")) == (504, None)
        assert [round(request.at, 1) for request in bench.sends] == [0, 1]
        assert bench.sends[1].gone_at == pytest.approx(3.8, abs=0.05)


async def test_hung_first_attempt_leaves_the_sdk_its_repeat(started) -> None:
    upstream = ScriptedUpstream([[Hang()], answer()])
    async with started(upstream) as bench:
        got = await bench.message([(b"x-stainless-timeout", b"3")])
        assert (got.status, got.header("x-should-retry")) == (504, None)
        again = await bench.message([(b"x-stainless-retry-count", b"1")])
        assert again.status == 200


async def test_non_stream_call_may_be_silent_for_minutes(started) -> None:
    async with started(ScriptedUpstream([[Pause(500), answer()]])) as bench:
        assert (await bench.message()).status == 200


async def test_our_timeout_of_a_non_stream_call_is_not_repeated(started) -> None:
    async with started(ScriptedUpstream(), ScriptedUpstream(otherwise=answer()), retry=WIDE) as bench:
        got = await bench.message()
        assert (got.status, len(bench.sends)) == (504, 1)
        assert got.header("x-should-retry") is None


async def test_idle_before_the_commit_is_a_timeout_that_is_repeated(started) -> None:
    upstream = ScriptedUpstream([[STREAM_HEAD, Hang()], stream_answer(stream_events())])
    async with started(upstream, timeouts={"idle": "3s"}) as bench:
        got = await bench.ask(STREAMED)
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (200, "2")
        assert upstream.requests[1].at == pytest.approx(3, abs=0.05)


@contextlib.contextmanager
def deaf_port():
    """A loopback port whose queue of connections is full: the next connect waits for ever."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_connect_timeout_is_a_connection_failure(started) -> None:
    served = ScriptedUpstream(otherwise=answer())
    with deaf_port() as port:
        routes = [{"endpoint": f"http://127.0.0.1:{port}"}, {}]
        async with started(ScriptedUpstream(), served, routes=routes, timeouts={"connect": "2s"}) as bench:
            got = await bench.message()
    assert (got.status, got.header("x-claude-sidecar-route")) == (200, "second")
    assert served.requests[0].at == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("end", [Close(), Reset()])
async def test_body_cut_before_the_commit_is_repeated(end, started) -> None:
    async with started(ScriptedUpstream([[HEAD, b"12345", Pause(1), end], answer()])) as bench:
        got = await bench.message()
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (200, "2")


@pytest.mark.parametrize("chunked", [True, False])
async def test_body_over_one_mebibyte_is_committed_and_a_later_cut_is_seen(chunked, started) -> None:
    data = b"d" * (2 << 20)
    framing = b"transfer-encoding: chunked" if chunked else b"content-length: 9000000"
    head = b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % framing
    script = [head, chunk(data) if chunked else data, Pause(1), Reset()]
    async with started(ScriptedUpstream([script, answer()])) as bench:
        got = await bench.message()
        assert (got.status, len(bench.sends)) == (200, 1)
        assert got.end != "whole"
        assert data.startswith(got.body)


async def test_whole_body_is_held_until_it_is_in(started) -> None:
    script = [HEAD, b"12345", Pause(5), b"67890"]
    async with started(ScriptedUpstream([script])) as bench, connected(bench.port) as app:
        await app.send(request_bytes(body=message_body()))
        assert (await app.receive()).body == b"1234567890"
        assert now() == pytest.approx(5, abs=0.05)


async def test_long_poll_has_no_timer_of_ours(started) -> None:
    async with started(ScriptedUpstream([[Pause(1200), answer()]])) as bench:
        got = await bench.ask(request_bytes("GET", "/v1/environments/env_1/work/poll"))
        assert (got.status, round(now())) == (200, 1200)

"""What ends the hold of a stream, what is told of it, and what ends a stream after the commit."""

import asyncio

import pytest
from support.fakes.raw_client import connected, request_bytes, watch
from support.fakes.scripted_upstream import Close, Hang, Pause, Reset, ScriptedUpstream
from support.fakes.wire_bytes import (
    LAST_CHUNK,
    PING,
    STREAM_HEAD,
    answer,
    chunk,
    error,
    event,
    message_body,
    stream_answer,
    stream_events,
)

pytestmark = pytest.mark.looptime

EVENTS = stream_events()
NO_DELTA = [EVENTS[0], *EVENTS[-2:]]
REQUEST = request_bytes(body=message_body(stream=True))
BIG_BLOCK = event("content_block_start", index=0, content_block={"type": "text", "text": "x" * 300_000})
REST = chunk(b"".join(EVENTS[1:])) + LAST_CHUNK


def now() -> float:
    return asyncio.get_running_loop().time()


async def told(bench) -> dict:
    return (await bench.admin_json("/requests"))[0]


@pytest.mark.parametrize(
    ("reason", "script", "spec"),
    [
        ("first-delta", [stream_answer(EVENTS)], {}),
        ("end", [stream_answer(NO_DELTA)], {}),
        ("hold-max", [STREAM_HEAD, chunk(EVENTS[0]), Pause(9), REST], {"stream": {"holdMax": "8s"}}),
        ("size", [STREAM_HEAD, *[chunk(BIG_BLOCK)] * 4, Pause(9), REST], {}),
        ("headers", [stream_answer(EVENTS)], {"stream": {"hold": "Headers"}}),
        ("deadline", [STREAM_HEAD, chunk(EVENTS[0]), Pause(9), REST], {"timeouts": {"total": "8s"}}),
        (None, [STREAM_HEAD, chunk(EVENTS[0]), Close()], {"retry": {"maxAttempts": 1}}),
        (None, [error(400, "invalid_request_error")], {}),
        (None, [answer()], {}),
    ],
)
async def test_what_ended_the_hold_is_told(reason, script, spec, started) -> None:
    async with started(ScriptedUpstream([script]), **spec) as bench:
        await bench.ask(REQUEST)
        assert (await told(bench))["commitReason"] == reason


async def test_commit_reason_is_in_the_line_of_a_call_that_had_trouble(started, caplog) -> None:
    async with started(ScriptedUpstream([error(529), stream_answer(EVENTS)])) as bench:
        with caplog.at_level("INFO", "claude_sidecar.calls"):
            await bench.ask(REQUEST)
        (line,) = [record for record in caplog.records if record.message == "request failed or was retried"]
        assert (line.facts["commit_reason"], line.facts["opened"]) == ("first-delta", False)


async def test_hold_max_counts_anew_for_each_answer(started) -> None:
    first = [STREAM_HEAD, chunk(EVENTS[0]), Pause(20), Reset()]
    second = [STREAM_HEAD, chunk(EVENTS[0]), Pause(25), Reset()]
    third = [STREAM_HEAD, chunk(EVENTS[0]), Pause(40), REST]
    upstream = ScriptedUpstream([first, second, third])
    async with started(upstream, stream={"holdMax": "30s"}, retry={"backoff": {"initial": "0s"}}) as bench:
        got = await watch(bench.port, REQUEST)
        committed_at = next(at for at, piece in got.pieces if b"message_start" in piece)
        assert committed_at == pytest.approx(75, abs=0.1)


async def test_pings_before_the_content_do_not_count_to_hold_max(started) -> None:
    pings = [step for _ in range(20) for step in (Pause(1), chunk(PING))]
    upstream = ScriptedUpstream([[STREAM_HEAD, *pings, Reset()], stream_answer(EVENTS)])
    async with started(upstream, stream={"holdMax": "5s"}) as bench:
        got = await bench.ask(REQUEST)
        assert got.body == b"".join(EVENTS)


async def test_short_of_room_the_longest_held_stream_is_committed(started) -> None:
    block = event("content_block_start", index=0, content_block={"type": "text", "text": "x" * 700_000})
    script = [STREAM_HEAD, chunk(EVENTS[0] + block), Hang()]
    limits = {"maxBufferedMiB": 1}
    async with started(ScriptedUpstream(otherwise=script), limits=limits) as bench:
        async with connected(bench.port) as older, connected(bench.port) as newer:
            await older.send(REQUEST)
            await asyncio.sleep(1)
            await newer.send(REQUEST)
            assert (await older.head()).status == 200
            assert now() == pytest.approx(1, abs=0.1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(5):
                    await newer.head()
        await asyncio.sleep(0.1)
        assert [call["commitReason"] for call in await bench.admin_json("/requests")].count("size") == 1
        assert bench.sidecar.handler.held_bytes == 0


async def test_without_any_room_a_stream_is_committed_with_its_first_event(started) -> None:
    script = [STREAM_HEAD, chunk(EVENTS[0]), Pause(10), REST]
    async with started(ScriptedUpstream([script]), limits={"maxBufferedMiB": 0}) as bench:
        got = await watch(bench.port, REQUEST)
        assert (got.head_at, got.body) == (pytest.approx(0, abs=0.1), b"".join(EVENTS))
        assert (await told(bench))["commitReason"] == "size"


async def test_held_bytes_are_given_back_however_a_stream_ends(started) -> None:
    scripts = [
        stream_answer(EVENTS),
        [STREAM_HEAD, chunk(EVENTS[0]), Reset()],
        stream_answer([EVENTS[0], event("error", error={"type": "overloaded_error", "message": "m"})]),
        [STREAM_HEAD, chunk(EVENTS[0]), Pause(20), Close()],
        error(529),
        answer(),
    ]
    async with started(ScriptedUpstream(scripts), retry={"maxAttempts": 1}) as bench:
        for _ in scripts:
            await bench.ask(REQUEST)
        async with connected(bench.port) as app:
            await app.send(REQUEST)
            await asyncio.sleep(1)
        await asyncio.sleep(0.1)
        assert bench.sidecar.handler.held_bytes == 0


async def test_route_that_answers_head_after_head_and_never_a_delta_is_bounded(started) -> None:
    heads = ScriptedUpstream(otherwise=[STREAM_HEAD, Pause(30), Reset()])
    async with started(heads, retry={"maxAttempts": 3}) as bench:
        got = await bench.ask(REQUEST)
        assert (got.status, len(heads.requests)) == (502, 3)
        assert now() < 120


async def test_live_head_without_content_is_committed_at_total(started) -> None:
    upstream = ScriptedUpstream([[STREAM_HEAD, Hang()]])
    async with started(upstream, timeouts={"total": "60s", "idle": "70s"}) as bench:
        got = await watch(bench.port, REQUEST)
        assert got.head_at == pytest.approx(60, abs=1)
        assert b"gateway_stream_interrupted" in got.body


@pytest.mark.parametrize("kept_alive_by", [chunk(PING), chunk(b": hello\n\n"), b"1\r\n:\r\n"])
async def test_committed_stream_without_progress_is_interrupted_as_stalled(kept_alive_by, started) -> None:
    alive = [step for _ in range(40) for step in (Pause(5), kept_alive_by)]
    script = [STREAM_HEAD, chunk(b"".join(EVENTS[:9])), *alive, chunk(b"".join(EVENTS[9:])), LAST_CHUNK]
    async with started(ScriptedUpstream([script]), timeouts={"stalled": "100s"}) as bench:
        got = await watch(bench.port, REQUEST)
        assert got.pieces[-1][0] == pytest.approx(100, abs=0.1)
        assert b"gateway_stream_interrupted" in got.pieces[-1][1]
        assert b"pings" in got.pieces[-1][1]


async def test_pieces_of_an_event_are_progress_and_those_of_a_ping_are_not(started) -> None:
    slow = [step for byte in EVENTS[9][:30] for step in (Pause(9), chunk(bytes([byte])))]
    script = [STREAM_HEAD, chunk(b"".join(EVENTS[:9])), *slow, chunk(EVENTS[9][30:]), *[Pause(1)]]
    pings = [step for byte in PING * 5 for step in (Pause(9), chunk(bytes([byte])))]
    async with started(ScriptedUpstream([[*script, *pings]]), timeouts={"stalled": "100s"}) as bench:
        got = await watch(bench.port, REQUEST)
        assert now() == pytest.approx(270 + 100, abs=1)
        assert EVENTS[9] in got.body


async def test_stalled_zero_bears_any_number_of_pings(started) -> None:
    alive = [step for _ in range(40) for step in (Pause(60), chunk(PING))]
    script = [STREAM_HEAD, chunk(b"".join(EVENTS[:9])), *alive, chunk(b"".join(EVENTS[9:])), LAST_CHUNK]
    async with started(ScriptedUpstream([script]), timeouts={"stalled": "0s"}) as bench:
        got = await watch(bench.port, REQUEST)
        assert got.body.replace(PING, b"") == b"".join(EVENTS).replace(PING, b"")


async def test_slow_reader_is_not_taken_for_a_stalled_upstream(started) -> None:
    delta = chunk(event("content_block_delta", index=0, delta={"text": "w" * 8000}))
    script = [STREAM_HEAD, chunk(b"".join(EVENTS[:5])), *[delta] * 3000, chunk(EVENTS[-1]), LAST_CHUNK]
    upstream = ScriptedUpstream([script])
    async with started(upstream, timeouts={"stalled": "60s"}) as bench, connected(bench.port) as app:
        await app.send(REQUEST)
        await app.head()
        app.writer.transport.pause_reading()
        await asyncio.sleep(600)
        app.writer.transport.resume_reading()
        got = b""
        while piece := await app.chunk():
            got = (got + piece)[-400:]
        assert got.endswith(EVENTS[-1])


async def test_stream_without_its_first_delta_in_time_moves_to_the_next_route(started) -> None:
    first = ScriptedUpstream(otherwise=[STREAM_HEAD, chunk(EVENTS[0]), Pause(60), REST])
    second = ScriptedUpstream([stream_answer(EVENTS)])
    async with started(first, second, timeouts={"firstDelta": "20s"}) as bench:
        got = await watch(bench.port, REQUEST)
        assert first.requests[0].at + 20 == pytest.approx(second.requests[0].at, abs=0.1)
        assert got.body.endswith(b"".join(EVENTS).replace(PING, b""))
        assert [sent["cause"] for sent in (await told(bench))["attempts"]] == ["Timeout", None]


async def test_first_delta_counts_without_a_head_too(started) -> None:
    first, second = ScriptedUpstream(), ScriptedUpstream([stream_answer(EVENTS)])
    async with started(first, second, timeouts={"firstDelta": "20s"}) as bench:
        assert (await bench.ask(REQUEST)).status == 200
        assert now() == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize(
    ("routes", "spec"),
    [
        (1, {}),
        (2, {"retry": {"maxAttempts": 1}}),
        (2, {"fallback": {"causes": ["Overloaded"]}}),
    ],
)
async def test_first_delta_ends_nothing_where_there_is_no_other_route(routes, spec, started) -> None:
    slow = [STREAM_HEAD, chunk(EVENTS[0]), Pause(60), REST]
    upstreams = [ScriptedUpstream(otherwise=slow) for _ in range(routes)]
    async with started(*upstreams, timeouts={"firstDelta": "20s"}, **spec) as bench:
        await watch(bench.port, REQUEST)
        assert (len(bench.sends), (await told(bench))["commitReason"]) == (1, "first-delta")


async def test_last_route_of_a_round_is_not_left_for_want_of_a_delta(started) -> None:
    slow = [STREAM_HEAD, chunk(EVENTS[0]), Pause(60), REST]
    first, second = ScriptedUpstream(otherwise=slow), ScriptedUpstream(otherwise=slow)
    async with started(first, second, timeouts={"firstDelta": "20s"}) as bench:
        await watch(bench.port, REQUEST)
        assert [len(first.requests), len(second.requests)] == [1, 1]
        assert now() == pytest.approx(80, abs=0.5)


async def test_clock_on_the_wall_that_jumps_moves_nothing(started, monkeypatch) -> None:
    script = [STREAM_HEAD, chunk(EVENTS[0]), Pause(40), REST]
    times = iter(range(0, 10**18, 10**14))
    monkeypatch.setattr("claude_sidecar.clock.unix_ns", lambda: next(times))
    async with started(ScriptedUpstream([script])) as bench:
        got = await watch(bench.port, REQUEST)
        assert got.head_at == pytest.approx(15, abs=0.01)
        assert [round(at) for at, piece in got.pieces if piece == PING] == [30]

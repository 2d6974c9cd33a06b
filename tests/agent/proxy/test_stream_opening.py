"""A silent stream is opened: the caller gets a head and pings, and failures are still cured behind them."""

import asyncio

import pytest
from support.fakes.raw_client import RawAnswer, connected, request_bytes, watch
from support.fakes.scripted_upstream import Close, Hang, Pause, Reset, ScriptedUpstream
from support.fakes.wire_bytes import (
    LAST_CHUNK,
    PING,
    STREAM_HEAD,
    chunk,
    event,
    message_body,
    stream_answer,
    stream_events,
)

pytestmark = pytest.mark.looptime

EVENTS = stream_events()
REQUEST = request_bytes(body=message_body(stream=True))


def asking(**times: str) -> bytes:
    """A call whose SDK tells its own time-outs: `timeout="20"` for x-stainless-timeout."""
    lines = [
        (f"x-stainless-{name.replace('_', '-')}".encode(), said.encode()) for name, said in times.items()
    ]
    return request_bytes(lines=lines, body=message_body(stream=True))


def thinking(seconds: float, events: list[bytes] = EVENTS, *, every: float = 1.0) -> list:
    """A stream that begins at once and then sends pings alone for so long."""
    pings = [step for _ in range(round(seconds / every)) for step in (Pause(every), chunk(PING))]
    rest = b"".join(chunk(one) for one in events[1:])
    return [STREAM_HEAD + chunk(events[0]), *pings, rest + LAST_CHUNK]


def without_pings(body: bytes) -> bytes:
    return body.replace(PING, b"")


WHOLE = without_pings(b"".join(EVENTS))


async def test_held_stream_is_opened_once_it_was_quiet_and_is_pinged_until_its_first_delta(started) -> None:
    async with started(ScriptedUpstream([thinking(50)])) as bench:
        got = await watch(bench.port, REQUEST)
        assert got.head_at == pytest.approx(15, abs=0.01)
        assert (got.head.status, got.head.header("request-id")) == (200, "req_1")
        assert [(round(at), piece) for at, piece in got.pieces[:-1]] == [(30, PING), (45, PING)]
        assert got.pieces[-1][0] == pytest.approx(50, abs=0.1)
        assert (without_pings(got.body), got.end) == (WHOLE, "whole")


async def test_quick_stream_is_not_opened_and_has_the_bytes_of_a_direct_one(started) -> None:
    script = [STREAM_HEAD, chunk(EVENTS[0]), Pause(14), chunk(b"".join(EVENTS[1:])), LAST_CHUNK]
    async with started(ScriptedUpstream([script])) as bench:
        got = await watch(bench.port, REQUEST)
        assert (got.head_at, got.body) == (pytest.approx(14, abs=0.01), b"".join(EVENTS))


async def test_head_alone_opens_nothing(started) -> None:
    script = [STREAM_HEAD, Pause(20), chunk(b"".join(EVENTS[:2])), Pause(5), chunk(b"".join(EVENTS[2:]))]
    async with started(ScriptedUpstream([[*script, LAST_CHUNK]])) as bench:
        got = await watch(bench.port, REQUEST)
        assert got.head_at == pytest.approx(20, abs=0.01)


async def test_pings_alone_open_no_message(started) -> None:
    pings = [step for _ in range(20) for step in (Pause(1), chunk(PING))]
    async with started(
        ScriptedUpstream([[STREAM_HEAD, *pings, chunk(b"".join(EVENTS)), LAST_CHUNK]])
    ) as bench:
        got = await watch(bench.port, REQUEST)
        assert got.head_at == pytest.approx(20, abs=0.01)


async def test_half_of_the_callers_time_out_opens_even_a_head_alone(started) -> None:
    script = [STREAM_HEAD, Pause(9), chunk(b"".join(EVENTS)), LAST_CHUNK]
    async with started(ScriptedUpstream([script])) as bench:
        got = await watch(bench.port, asking(read_timeout="8"), patience_s=8)
        assert got.head_at == pytest.approx(4, abs=0.01)
        assert [(round(at), piece) for at, piece in got.pieces[:-1]] == [(8, PING)]
        assert got.end == "whole"


async def test_quiet_after_beyond_the_callers_time_out_opens_at_half_of_that(started) -> None:
    async with started(ScriptedUpstream([thinking(20)]), stream={"quietAfter": "1h"}) as bench:
        got = await watch(bench.port, asking(timeout="10"), patience_s=10)
        assert (got.head_at, got.end) == (pytest.approx(5, abs=0.01), "whole")


async def test_completion_is_opened_by_any_event(started) -> None:
    events = [PING, event("completion", completion=" Hi"), event("completion", stop_reason="stop_sequence")]
    script = [STREAM_HEAD, chunk(PING), Pause(20), chunk(b"".join(events[1:])), LAST_CHUNK]
    async with started(ScriptedUpstream([script])) as bench:
        body = message_body(stream=True, prompt="Hi")
        got = await watch(bench.port, request_bytes(target="/v1/complete", body=body))
        assert (got.head_at, got.body) == (pytest.approx(15, abs=0.01), b"".join(events))


async def test_failure_behind_the_opening_is_cured_and_the_head_told_apart(started) -> None:
    first = [STREAM_HEAD, chunk(EVENTS[0]), Pause(41), Reset()]
    cure = stream_answer(EVENTS).replace(b"req_1", b"req_2")
    async with started(ScriptedUpstream([first]), ScriptedUpstream([cure])) as bench:
        got = await watch(bench.port, REQUEST)
        told = b": request-id=req_2 route=second attempts=2\n"
        assert without_pings(got.body) == told + WHOLE
        assert got.pieces[0][0] == pytest.approx(30, abs=0.01)
        assert got.head.header("x-claude-sidecar-route") == "first"
        assert got.head.header("x-claude-sidecar-attempts") == "1"


async def test_open_call_is_pinged_between_attempts(started, monkeypatch) -> None:
    monkeypatch.setattr("claude_sidecar.clock.chance", lambda: 0.999)
    upstream = ScriptedUpstream([[STREAM_HEAD, chunk(EVENTS[0]), Pause(16), Close()], stream_answer(EVENTS)])
    async with started(upstream, retry={"backoff": {"initial": "20s", "max": "20s"}}) as bench:
        got = await watch(bench.port, REQUEST)
        assert [round(at) for at, piece in got.pieces if piece == PING] == [30]
        assert got.pieces[-1][0] == pytest.approx(36, abs=0.1)


async def test_call_is_opened_by_the_next_held_answer_where_nothing_was_held_in_time(started) -> None:
    first = [STREAM_HEAD, chunk(EVENTS[0]), Pause(5), Reset()]
    second = [Pause(20), STREAM_HEAD, Pause(3), chunk(EVENTS[0]), Pause(1), chunk(b"".join(EVENTS[1:]))]
    async with started(ScriptedUpstream([first, [*second, LAST_CHUNK]])) as bench:
        got = await watch(bench.port, REQUEST)
        assert got.head_at == pytest.approx(28, abs=0.01)
        assert got.head.header("x-claude-sidecar-attempts") == "2"


async def test_opening_lifts_the_callers_time_out(started) -> None:
    first = [STREAM_HEAD, chunk(EVENTS[0]), Pause(8), Reset()]
    slow = [Pause(30), *thinking(20)]
    async with started(ScriptedUpstream([first, slow])) as bench:
        got = await watch(bench.port, asking(timeout="10"), patience_s=10)
        assert (got.head_at, got.longest_silence_s) == (
            pytest.approx(5, abs=0.01),
            pytest.approx(5, abs=0.02),
        )
        assert without_pings(got.body).endswith(WHOLE)


@pytest.mark.parametrize(
    "told",
    [
        {"timeout": "NOT_GIVEN", "read_timeout": "4"},  # Python
        {"timeout": "4"},  # TypeScript; Go where it is set
        {"timeout": "4", "read_timeout": "NOT_GIVEN"},
    ],
)
async def test_caller_that_bears_four_silent_seconds_survives_a_minute_of_thought(told, started) -> None:
    silent = [STREAM_HEAD + chunk(EVENTS[0]), Pause(60), chunk(b"".join(EVENTS[1:])), LAST_CHUNK]
    async with started(ScriptedUpstream([silent])) as bench:
        got = await watch(bench.port, asking(**told), patience_s=4)
        assert without_pings(got.body) == WHOLE
        assert got.longest_silence_s <= 2.01


async def test_time_out_of_the_caller_still_ends_what_was_not_opened(started) -> None:
    async with started(ScriptedUpstream([[Hang()]])) as bench:
        got: RawAnswer = await bench.ask(asking(timeout="10"))
        assert got.status == 504


async def test_quiet_after_zero_commits_a_live_stream_just_before_the_callers_time_out(started) -> None:
    async with started(ScriptedUpstream([thinking(20)]), stream={"quietAfter": "0s"}) as bench:
        got = await watch(bench.port, asking(timeout="10"), patience_s=10)
        assert 9 <= got.head_at < 10
        assert (without_pings(got.body), got.end) == (WHOLE, "whole")
        (call,) = await bench.admin_json("/requests")
        assert (call["opened"], call["openedBy"], call["commitReason"]) == (False, None, "deadline")


async def test_live_stream_is_committed_as_it_stands_at_total(started) -> None:
    stream = {"holdMax": "1h"}
    async with started(ScriptedUpstream([thinking(100)]), stream=stream, timeouts={"total": "60s"}) as bench:
        got = await watch(bench.port, REQUEST)
        assert (without_pings(got.body), got.end) == (WHOLE, "whole")
        committed_at = next(at for at, piece in got.pieces if EVENTS[0] in piece)
        assert 59 <= committed_at < 60
        (call,) = await bench.admin_json("/requests")
        assert call["commitReason"] == "deadline"


async def test_pings_go_on_after_the_commit_and_end_with_the_message(started) -> None:
    quiet = [Pause(32), chunk(EVENTS[-1]), Pause(40)]
    script = [STREAM_HEAD, chunk(b"".join(EVENTS[:-1])), *quiet]
    async with started(ScriptedUpstream([script])) as bench:
        got = await watch(bench.port, REQUEST)
        pings = [round(at) for at, piece in got.pieces if piece == PING]
        assert (pings, got.body.endswith(EVENTS[-1])) == ([15, 30], True)


async def test_no_ping_falls_into_an_event_that_passes_in_pieces(started) -> None:
    huge = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "y" * (5 << 20)})
    half = len(huge) // 2
    script = [STREAM_HEAD, chunk(b"".join(EVENTS[:6])), chunk(huge[:half]), Pause(40), chunk(huge[half:])]
    script += [Pause(20), chunk(b"".join(EVENTS[6:])), LAST_CHUNK]
    async with started(ScriptedUpstream([script])) as bench:
        got = await watch(bench.port, REQUEST)
        expected = b"".join(EVENTS[:6]) + huge + PING + b"".join(EVENTS[6:])
        assert got.body == expected


async def test_keep_alive_zero_leaves_a_committed_stream_to_itself(started) -> None:
    script = [STREAM_HEAD, chunk(b"".join(EVENTS[:-1])), Pause(100), chunk(EVENTS[-1]), LAST_CHUNK]
    async with started(ScriptedUpstream([script]), stream={"keepAlive": "0s"}) as bench:
        assert (await watch(bench.port, asking(timeout="600"))).body == b"".join(EVENTS)


@pytest.mark.long
async def test_caller_that_reads_nothing_is_not_heaped_up_with_pings(started) -> None:
    delta = chunk(event("content_block_delta", index=0, delta={"text": "w" * 8000}))
    script = [STREAM_HEAD, chunk(b"".join(EVENTS[:5])), *[delta] * 3000, chunk(EVENTS[-1]), LAST_CHUNK]
    async with (
        started(ScriptedUpstream([script]), stream={"keepAlive": "1s"}) as bench,
        connected(bench.port) as app,
    ):
        await app.send(REQUEST)
        await app.head()
        app.writer.transport.pause_reading()
        await asyncio.sleep(3600)
        app.writer.transport.resume_reading()
        got = b""
        while piece := await app.chunk():
            got += piece
        assert got.count(PING) < 10
        assert without_pings(got).endswith(EVENTS[-1])


async def test_caller_of_http_1_0_gets_an_opened_stream_too(started) -> None:
    async with started(ScriptedUpstream([thinking(40)])) as bench:
        got = await bench.ask(REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert (got.status, got.header("transfer-encoding")) == (200, None)
        assert without_pings(got.body) == WHOLE
        assert got.body.startswith(PING + EVENTS[0])

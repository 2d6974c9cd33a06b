"""When a stream is held back, when it is let go, and how its bytes flow afterwards."""

import asyncio
import gzip
import json
import time
import tracemalloc
import zlib

import pytest
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import Close, Endless, Hang, Pause, Reset, ScriptedUpstream, Until
from support.fakes.wire_bytes import (
    LAST_CHUNK,
    OVERLOADED_EVENT,
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
REQUEST = request_bytes(body=message_body(stream=True))


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_hold_max_counts_from_the_first_content(started) -> None:
    script = [STREAM_HEAD, Pause(20), chunk(EVENTS[0]), Hang()]
    stream = {"holdMax": "30s", "quietAfter": "0s"}
    async with started(ScriptedUpstream([script]), stream=stream) as bench, connected(bench.port) as app:
        await app.send(REQUEST)
        head = await app.head()
        assert (head.status, await app.chunk()) == (200, EVENTS[0])
        assert now() == pytest.approx(50, abs=0.01)


async def test_pings_do_not_let_a_stream_go(started) -> None:
    pings = [step for _ in range(5) for step in (Pause(4), chunk(PING))]
    upstream = ScriptedUpstream([[STREAM_HEAD, *pings, Reset()], stream_answer(EVENTS)])
    async with started(upstream) as bench:
        got = await bench.ask(REQUEST)
        assert (got.body, len(upstream.requests)) == (b"".join(EVENTS), 2)


async def test_one_mebibyte_held_lets_a_stream_go(started) -> None:
    big = event("content_block_start", index=0, content_block={"type": "text", "text": "x" * 300_000})
    upstream = ScriptedUpstream([[STREAM_HEAD, *[chunk(big)] * 4, Hang()]])
    async with started(upstream) as bench, connected(bench.port) as app:
        await app.send(REQUEST)
        assert (await app.head()).status == 200
        assert now() < 1


async def test_hold_headers_lets_a_stream_go_at_once(started) -> None:
    upstream = ScriptedUpstream([[STREAM_HEAD, Hang()]])
    async with started(upstream, stream={"hold": "Headers"}) as bench, connected(bench.port) as app:
        await app.send(REQUEST)
        assert (await app.head()).status == 200
        assert now() < 0.01


async def test_events_are_relayed_as_they_come(started) -> None:
    steps: list = [STREAM_HEAD]
    gates = [asyncio.Event() for _ in EVENTS[5:]]
    steps.append(chunk(b"".join(EVENTS[:5])))
    for gate, one in zip(gates, EVENTS[5:], strict=True):
        steps += [Until(gate), chunk(one[:7]), chunk(one[7:])]
    async with started(ScriptedUpstream([[*steps, LAST_CHUNK]])) as bench, connected(bench.port) as app:
        await app.send(REQUEST)
        await app.head()
        assert await app.chunk() == b"".join(EVENTS[:5])
        for gate, one in zip(gates, EVENTS[5:], strict=True):
            gate.set()
            assert await app.chunk() == one
        assert await app.chunk() == b""


async def test_stream_left_open_after_message_stop_is_ended(started) -> None:
    sent = STREAM_HEAD + b"".join(chunk(one) for one in EVENTS)
    async with started(ScriptedUpstream([[sent, Hang()]])) as bench:
        got = await bench.ask(REQUEST)
        assert (got.body, got.end) == (b"".join(EVENTS), "whole")
        assert now() <= 2
        assert bench.first.requests[0].gone_at is not None


async def test_what_comes_right_after_message_stop_is_relayed_in_whole_events(started) -> None:
    sent = STREAM_HEAD + b"".join(chunk(one) for one in [*EVENTS, PING]) + chunk(PING[:9])
    async with started(ScriptedUpstream([[sent, Pause(0.1), Reset()]])) as bench:
        got = await bench.ask(REQUEST)
        assert (got.body, got.end) == (b"".join(EVENTS) + PING, "whole")


async def test_event_over_one_mebibyte_passes_in_pieces(started) -> None:
    huge = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "y" * (5 << 20)})
    events = [*EVENTS[:6], huge, *EVENTS[6:]]
    gate = asyncio.Event()
    first, second = huge[: 3 << 20], huge[3 << 20 :] + b"".join(events[7:])
    script = [STREAM_HEAD, chunk(b"".join(events[:6])), chunk(first), Until(gate), chunk(second), LAST_CHUNK]
    async with started(ScriptedUpstream([script])) as bench, connected(bench.port) as app:
        await app.send(REQUEST)
        await app.head()
        got = b""
        while len(got) < 2 << 20:
            got += await app.chunk()
        gate.set()
        while piece := await app.chunk():
            got += piece
        assert got == b"".join(events)


async def test_event_over_one_mebibyte_that_breaks_is_followed_by_an_error_event(started) -> None:
    start = b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"'
    script = [STREAM_HEAD, chunk(b"".join(EVENTS[:6])), chunk(start + b"z" * (3 << 20)), Pause(1), Reset()]
    async with started(ScriptedUpstream([script])) as bench:
        got = await bench.ask(REQUEST)
        # The piece before it is no whole event: a blank line ends it, so that ours is understood.
        assert got.body.rpartition(b"\n\nevent: error\ndata: ")[2].startswith(b'{"type":"error"')
        assert b"gateway_stream_interrupted" in got.body[-600:]


async def test_gzip_coded_stream_passes_coded_and_is_still_held(started) -> None:
    head = STREAM_HEAD[:-2] + b"content-encoding: gzip\r\n\r\n"
    overloaded = gzip.compress(EVENTS[0] + OVERLOADED_EVENT, mtime=0)
    good = gzip.compress(b"".join(EVENTS), mtime=0)
    half = len(good) // 2
    scripts = [
        head + chunk(overloaded) + LAST_CHUNK,
        head + chunk(good[:half]) + chunk(good[half:]) + LAST_CHUNK,
    ]
    async with started(ScriptedUpstream(scripts)) as bench:
        got = await bench.ask(REQUEST)
        assert (got.body, got.header("content-encoding")) == (good, "gzip")
        assert got.header("x-claude-sidecar-attempts") == "2"


async def test_gzip_coded_stream_that_breaks_after_the_commit_is_cut(started) -> None:
    head = STREAM_HEAD[:-2] + b"content-encoding: gzip\r\n\r\n"
    packer = zlib.compressobj(wbits=31)
    part = packer.compress(b"".join(EVENTS[:9])) + packer.flush(zlib.Z_SYNC_FLUSH)
    async with started(ScriptedUpstream([[head + chunk(part), Pause(1), Reset()]])) as bench:
        got = await bench.ask(REQUEST)
        assert (got.status, got.body) == (200, part)
        assert got.end != "whole"


async def test_slow_reader_holds_the_upstream_back(started) -> None:
    delta = chunk(event("content_block_delta", index=0, delta={"text": "w" * 8000}))
    script = [STREAM_HEAD, chunk(b"".join(EVENTS[:5])), Endless(delta, 64 << 20)]
    async with started(ScriptedUpstream([script])) as bench, connected(bench.port) as app:
        await app.send(REQUEST)
        await app.head()
        app.writer.transport.pause_reading()
        await asyncio.sleep(30)
        stuck_at = -1
        while (written := bench.first.requests[0].written) != stuck_at:
            stuck_at = written
            await asyncio.to_thread(time.sleep, 0.3)  # the kernel acknowledges by a clock of its own
        await asyncio.sleep(30)
        # Kernel buffers on both sides and ours between them, and no more.
        assert bench.first.requests[0].written == stuck_at < 24 << 20
        app.writer.transport.resume_reading()
        async with asyncio.timeout(5):
            while len(await app.chunk()) and bench.first.requests[0].written <= stuck_at + (1 << 20):
                pass


async def test_slow_reader_is_not_taken_for_an_idle_upstream(started) -> None:
    delta = chunk(event("content_block_delta", index=0, delta={"text": "w" * 8000}))
    whole = [delta] * 3000 + [chunk(b"".join(EVENTS[-3:]))]
    script = [STREAM_HEAD, chunk(b"".join(EVENTS[:5])), *whole, LAST_CHUNK]
    async with started(ScriptedUpstream([script])) as bench, connected(bench.port) as app:
        await app.send(REQUEST)
        await app.head()
        app.writer.transport.pause_reading()
        await asyncio.sleep(600)
        app.writer.transport.resume_reading()
        got = b""
        while piece := await app.chunk():
            got = (got + piece)[-400:]
        assert got.endswith(EVENTS[-1])


async def test_stream_call_answered_in_json_is_an_ordinary_answer(started) -> None:
    async with started(ScriptedUpstream([error(529), answer(200, b'{"id":"msg_2"}')])) as bench:
        got = await bench.ask(REQUEST)
        assert (got.status, got.body) == (200, b'{"id":"msg_2"}')
        assert got.header("content-length") == "14"


async def test_completion_streams_are_held_and_end_as_they_do(started) -> None:
    events = [PING, event("completion", completion=" Hi"), event("completion", stop_reason="stop_sequence")]
    broken = [STREAM_HEAD, chunk(events[0]), Close()]
    async with started(ScriptedUpstream([broken, stream_answer(events)])) as bench:
        body = json.dumps({"model": "claude-2", "prompt": "Hi", "stream": True}).encode()
        got = await bench.ask(request_bytes(target="/v1/complete", body=body))
        assert (got.body, got.end) == (b"".join(events), "whole")
        assert got.header("x-claude-sidecar-attempts") == "2"


async def test_event_streams_of_other_endpoints_pass_as_they_are(started) -> None:
    sent = b": hello\n\nevent: status\ndata: {}\n\nevent: unfinished\ndata: {"
    async with started(ScriptedUpstream([STREAM_HEAD + chunk(sent) + LAST_CHUNK])) as bench:
        got = await bench.ask(request_bytes("GET", "/v1/sessions/s_1/events/stream"))
        assert (got.body, got.end) == (sent, "whole")


async def test_event_streams_of_other_endpoints_go_on_behind_an_error_event(started) -> None:
    before, after = OVERLOADED_EVENT + event("message_stop"), event("session.status_idle")
    steps = [STREAM_HEAD, chunk(before), Pause(30), chunk(after), LAST_CHUNK]
    async with started(ScriptedUpstream([steps])) as bench:
        got = await bench.ask(request_bytes("GET", "/v1/sessions/s_1/events/stream"))
        assert (got.body, got.end) == (before + after, "whole")
        (call,) = await bench.admin_json("/requests")
        assert (call["cause"], call["interrupted"]) == (None, False)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
async def test_line_ends_of_any_kind_delimit_events(line_end, started) -> None:
    events = [one.replace(b"\n", line_end) for one in EVENTS]
    broken = [STREAM_HEAD, chunk(b"".join(events[:8]) + events[8][:9]), Pause(1), Reset()]
    async with started(ScriptedUpstream([stream_answer(events), broken])) as bench:
        assert (await bench.ask(REQUEST)).body == b"".join(events)
        whole, _, ours = (await bench.ask(REQUEST)).body.partition(b"event: error\n")
        assert whole == b"".join(events[:8])
        assert b"gateway_stream_interrupted" in ours


async def test_pieces_of_a_held_stream_set_no_timers_anew(started, monkeypatch) -> None:
    """A timer a call, not one a piece: an event may come in a thousand of them."""
    pieces = [chunk(EVENTS[0]), *[chunk(PING[at : at + 1]) for at in range(len(PING))] * 20]
    slow = [step for piece in pieces for step in (piece, Pause(0.001))]
    loop = asyncio.get_running_loop()
    call_at, armed = loop.call_at, []

    def noting(when, callback, *args, **options):
        armed.append(getattr(callback, "__qualname__", ""))
        return call_at(when, callback, *args, **options)

    async with started(
        ScriptedUpstream([[STREAM_HEAD, *slow, *map(chunk, EVENTS[1:]), LAST_CHUNK]])
    ) as bench:
        monkeypatch.setattr(loop, "call_at", noting)
        await bench.ask(REQUEST)
        assert 0 < armed.count("Opener._fire") < 10


async def test_body_that_was_cut_takes_no_memory_once_its_attempt_is_over(started) -> None:
    """It is held up to a mebibyte, of which a decoded copy is read for its facts."""
    cut = [
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2000000\r\n\r\n"
        + b"x" * 1_000_000,
        Close(),
    ]
    async with (
        started(ScriptedUpstream([cut] * 4, otherwise=[Hang()]), retry={"maxAttempts": 5}) as bench,
        connected(bench.port) as app,
    ):
        tracemalloc.start()
        try:
            await app.send(request_bytes(body=message_body()))
            await asyncio.sleep(2)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(bench.first.requests) == 5
        assert held < 2_000_000

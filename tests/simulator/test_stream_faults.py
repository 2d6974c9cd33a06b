"""Streams that go wrong at any event: cut, reset, ended early, turned into an error, stalled."""

import asyncio
import gzip
import zlib

import pytest

SHAPE = "output-tokens=6; tokens-per-event=1"
EVENTS = 12
POSITIONS = range(EVENTS + 1)


@pytest.mark.parametrize("mode", ["clean", "cut", "reset"])
async def test_truncated_stream_is_a_prefix_of_whole_events_and_ends_as_its_mode_says(started, mode):
    async with started() as bench:
        direct = await bench.message(SHAPE, stream=True)
        assert len(direct.events()) == EVENTS
        for n in POSITIONS:
            spec = f"{SHAPE}; truncate-at-event={n}; mode={mode}"
            answer = await bench.message(spec, stream=True)
            whole = b"".join(part + b"\n\n" for part in direct.body.split(b"\n\n")[:n])
            assert answer.status == 200
            assert answer.end == {"clean": "whole", "cut": "eof", "reset": "reset"}[mode]
            assert answer.body.startswith(whole)
            assert len(answer.events()) == n
            assert (answer.body == whole) is (mode != "cut")
            assert bench.calls()[-1].events == n
            assert bench.calls()[-1].ended == "cut"


async def test_error_event_takes_the_place_of_any_event_and_the_connection_closes(started):
    async with started() as bench:
        for n in POSITIONS:
            async with bench.connection() as connection:
                await connection.send(
                    "POST",
                    "/v1/messages",
                    [
                        ("x-simulate", f"{SHAPE}; error-at-event={n}"),
                        ("x-api-key", "sk-ant-api03-x"),
                        ("anthropic-version", "2023-06-01"),
                    ],
                    b'{"model":"claude-opus-4-8","max_tokens":9,"stream":true,'
                    b'"messages":[{"role":"user","content":"Hi"}]}',
                )
                answer = await connection.receive()
                assert await connection.reader.read() == b""
            assert answer.end == "whole"
            assert len(answer.events()) == n + 1
            name, data = answer.events()[-1]
            assert name == "error"
            assert data["error"] == {"details": None, "type": "overloaded_error", "message": "Overloaded"}
            assert data["request_id"] == answer.header("request-id")


async def test_error_event_has_the_type_and_words_that_were_asked_for(started):
    async with started() as bench:
        spec = "error-at-event=1; error-type=api_error; message=Broken; error-code=x_y"
        answer = await bench.message(spec, stream=True)
    error = answer.events()[-1][1]["error"]
    assert error == {"details": {"error_code": "x_y"}, "type": "api_error", "message": "Broken"}


async def test_stream_is_cut_inside_an_event_at_a_byte(started):
    async with started() as bench:
        direct = await bench.message(SHAPE, stream=True)
        answer = await bench.message(f"{SHAPE}; truncate-body-at=700; mode=clean", stream=True)
        [_, entry] = bench.calls()
    assert answer.body == direct.body[:700]
    assert answer.end == "whole"
    assert entry.events == len(answer.events())


async def test_usage_in_the_ledger_is_what_the_written_events_reported(started):
    async with started() as bench:
        for n in (0, 1, EVENTS - 2, EVENTS - 1):
            await bench.message(f"{SHAPE}; truncate-at-event={n}", stream=True)
        reported = [entry.reported_usage for entry in bench.calls()]
        produced = [entry.output_tokens_produced for entry in bench.calls()]
    assert reported[0] is None
    assert [usage.output_tokens for usage in reported[1:]] == [1, 1, 6]
    assert produced == [0, 0, 6, 6]


@pytest.mark.looptime
async def test_stall_of_some_seconds_delays_the_rest_and_forever_ends_with_the_caller(started):
    loop = asyncio.get_running_loop()
    async with started() as bench:
        began = loop.time()
        answer = await bench.message(f"{SHAPE}; stall-at-event=3; stall=40", stream=True)
        assert loop.time() - began == pytest.approx(40, abs=1)
        assert len(answer.events()) == EVENTS
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bench.message("stall-at-event=3", stream=True), 1000)
        await asyncio.sleep(0.1)
        assert bench.calls()[-1].ended == "caller_left"
        assert bench.calls()[-1].events == 3


@pytest.mark.looptime
async def test_pings_come_in_a_stall_only_where_asked_for(started):
    async with started() as bench:
        quiet = await bench.message("stall-at-event=3; stall=100", stream=True)
        pinged = await bench.message("stall-at-event=3; stall=100; pings", stream=True)
    assert quiet.names().count("ping") == 1
    assert pinged.names().count("ping") == 1 + 6


@pytest.mark.looptime
async def test_first_token_and_speed_set_the_pace_of_streams_and_of_whole_answers(started):
    loop = asyncio.get_running_loop()
    async with started(
        "timing: {first_token: 2, tokens_per_second: 10}\nanswer: {output_tokens: 50}"
    ) as bench:
        began = loop.time()
        await bench.message(stream=True)
        streamed = loop.time()
        await bench.message()
        whole = loop.time()
        await bench.message("first-token=0; tokens-per-second=0")
        at_once = loop.time()
    assert streamed - began == pytest.approx(7, abs=0.5)
    assert whole - streamed == pytest.approx(7, abs=0.5)
    assert at_once - whole < 0.5


@pytest.mark.looptime
async def test_pings_come_in_the_silences_of_a_slow_stream(started):
    async with started(
        "timing: {tokens_per_second: 0.02, ping_every: 15}\nanswer: {output_tokens: 1}"
    ) as bench:
        answer = await bench.message(stream=True)
    assert answer.names().count("ping") == 1 + 3


async def test_gzip_stream_is_flushed_with_every_event_also_when_it_is_cut(started):
    accept = [("accept-encoding", "gzip, deflate")]
    async with started("gzip: [stream, json, error]") as bench:
        plain = await bench.message(SHAPE, stream=True)
        packed = await bench.message(SHAPE, stream=True, _lines=accept)
        cut = await bench.message(f"{SHAPE}; truncate-at-event=4; mode=reset", stream=True, _lines=accept)
        whole = await bench.message(_lines=accept)
        error = await bench.message("529; gzip=false", _lines=accept)
    assert plain.header("content-encoding") is None
    assert packed.header("content-encoding") == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    shown = zlib.decompressobj(31).decompress(cut.body)
    assert plain.body.startswith(shown)
    assert shown.count(b"\n\n") == 4
    assert gzip.decompress(whole.body).startswith(b'{"model"')
    assert error.header("content-encoding") is None


async def test_fault_about_events_leaves_an_answer_without_events_alone(started):
    async with started() as bench:
        answer = await bench.message("truncate-at-event=1; times=1")
        assert answer.status == 200
        assert bench.calls()[0].fault is None
        assert (await bench.message("truncate-at-event=1; times=1", stream=True)).end == "eof"

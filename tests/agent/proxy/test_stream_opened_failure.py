"""A stream that was opened and came to nothing ends in an `error` event, and is told as failed."""

import asyncio
import gzip
import json

import pytest
from support.fakes.raw_client import connected, request_bytes, watch
from support.fakes.scripted_upstream import Hang, Pause, Reset, ScriptedUpstream
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
COMPLETE = request_bytes(target="/v1/complete", body=message_body(stream=True, prompt="Hi"))
ONCE = {"maxAttempts": 1}
TWICE = {"maxAttempts": 2, "budget": {"percent": 100, "minPerSecond": 1000}}
OPENED = [STREAM_HEAD, chunk(EVENTS[0]), Pause(20)]


def last_event(body: bytes) -> tuple[bytes, bytes, bytes]:
    """What came before the last event, the event's name and its data as an SSE reader gets it."""
    before, _, block = body.removesuffix(b"\n\n").rpartition(b"event: ")
    name, *lines = block.split(b"\n")
    assert all(line.startswith(b"data: ") for line in lines), block
    return before, name, b"\n".join(line.removeprefix(b"data: ") for line in lines)


async def told(bench) -> dict:
    return (await bench.admin_json("/requests"))[0]


async def test_error_event_of_the_opening_answer_goes_on_word_for_word(started) -> None:
    script = [*OPENED, chunk(OVERLOADED_EVENT), LAST_CHUNK]
    async with started(ScriptedUpstream([script]), retry=ONCE) as bench:
        got = await watch(bench.port, REQUEST)
        assert (got.head.status, got.body, got.end) == (200, OVERLOADED_EVENT, "whole")
        call = await told(bench)
        assert (call["status"], call["errorType"], call["cause"]) == (200, "overloaded_error", "Overloaded")
        assert (call["opened"], call["openedBy"]) == (True, {"route": "first", "attempt": 1})
        assert (call["commitReason"], call["interrupted"]) == (None, False)
        assert (call["attempts"][0]["partial"], call["attempts"][0]["usage"]["inputTokens"]) == (True, 10)


async def test_envelope_of_a_later_answer_goes_on_word_for_word_behind_whose_it_is(started) -> None:
    told_error = b'"error":{"type":"overloaded_error","message":"a\\nb"}'
    refused = b'{"type":"error",\r\n ' + told_error + b',\n"request_id":"req_9"}\n'
    later = answer(529, refused, [("request-id", "req_9")], reason="Overloaded")
    upstream = ScriptedUpstream([[*OPENED, Reset()], later])
    async with started(upstream, retry=TWICE) as bench:
        got = await watch(bench.port, REQUEST)
        before, name, data = last_event(got.body)
        assert before == b": request-id=req_9 route=first attempts=2\n"
        assert (name, data) == (b"error", refused.replace(b"\r\n", b"\n"))
        call = await told(bench)
        assert (call["status"], call["errorType"], call["requestId"]) == (200, "overloaded_error", "req_9")


async def test_coded_envelope_is_decoded_for_the_event(started) -> None:
    envelope = b'{"type":"error","error":{"type":"api_error","message":"no"}}'
    later = answer(500, gzip.compress(envelope), [("content-encoding", "gzip")], reason="Error")
    async with started(ScriptedUpstream([[*OPENED, Reset()], later]), retry=TWICE) as bench:
        got = await watch(bench.port, REQUEST)
        assert last_event(got.body)[1:] == (b"error", envelope)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (502, b"<html>Bad gateway</html>", ("api_error", "<html>Bad gateway</html>")),
        (503, b"", ("overloaded_error", "Error")),
        (429, b'{"message":"slow down"}', ("rate_limit_error", "slow down")),
        (418, b"\xff\xfe", ("invalid_request_error", "��")),
    ],
)
async def test_body_of_another_form_comes_in_an_envelope_with_its_status(
    status, body, expected, started
) -> None:
    later = answer(status, body, reason="Error", kind="text/html")
    async with started(ScriptedUpstream([[*OPENED, Reset()], later]), retry=TWICE) as bench:
        got = await watch(bench.port, REQUEST)
        envelope = json.loads(last_event(got.body)[2])
        assert (envelope["error"]["type"], envelope["error"]["message"]) == expected
        assert envelope["error"]["details"]["status"] == status
        assert envelope["error"]["details"]["upstream"] == body.decode("utf-8", "replace")


async def test_own_error_comes_as_an_event_with_status_and_hint(started) -> None:
    async with started(ScriptedUpstream([[*OPENED, Reset()]]), retry=ONCE) as bench:
        got = await watch(bench.port, REQUEST)
        before, name, data = last_event(got.body)
        envelope = json.loads(data)
        assert (name, envelope["error"]["type"]) == (b"error", "gateway_unreachable")
        assert envelope["error"]["details"] == {"status": 502}
        assert before.decode() == f": request-id={envelope['request_id']} route=none attempts=1\n"
        call = await told(bench)
        assert (call["status"], call["errorType"], call["route"]) == (200, "gateway_unreachable", "none")
        assert got.end == "whole"


@pytest.mark.parametrize(
    "misfit",
    [
        answer(),
        answer(204, b"", kind=None),
        answer(302, b"", [("location", "/elsewhere")]),
        answer(200, b"hello", kind="text/plain"),
        STREAM_HEAD[:-2]
        + b"content-encoding: gzip\r\n\r\n"
        + chunk(gzip.compress(b"".join(EVENTS)))
        + LAST_CHUNK,
    ],
)
async def test_answer_that_is_no_readable_stream_fails_its_attempt_once_the_call_is_open(
    misfit, started
) -> None:
    upstream = ScriptedUpstream([[*OPENED, Reset()], misfit, stream_answer(EVENTS)])
    async with started(upstream) as bench:
        got = await watch(bench.port, REQUEST)
        assert got.body.endswith(b"".join(EVENTS).replace(PING, b""))
        second = (await told(bench))["attempts"][1]
        assert (second["cause"], second["errorType"]) == ("ServerError", "_OTHER")


async def test_misfit_at_the_end_is_told_by_an_error_of_ours(started) -> None:
    async with started(ScriptedUpstream([[*OPENED, Reset()], answer()]), retry=TWICE) as bench:
        got = await watch(bench.port, REQUEST)
        message = json.loads(last_event(got.body)[2])["error"]["message"]
        assert "200 with application/json" in message


async def test_coded_stream_is_never_opened(started) -> None:
    head = STREAM_HEAD[:-2] + b"content-encoding: gzip\r\n\r\n"
    coded = gzip.compress(b"".join(EVENTS), mtime=0)
    script = [head, chunk(coded[:200]), Pause(40), chunk(coded[200:]), LAST_CHUNK]
    async with started(ScriptedUpstream([script])) as bench:
        got = await watch(bench.port, REQUEST)
        assert (got.head_at, got.body) == (pytest.approx(40, abs=0.1), coded)


async def test_live_coded_stream_is_committed_just_before_the_callers_time_out(started) -> None:
    head = STREAM_HEAD[:-2] + b"content-encoding: gzip\r\n\r\n"
    coded = gzip.compress(b"".join(EVENTS), mtime=0)
    script = [head, chunk(coded[:200]), Pause(40), chunk(coded[200:]), LAST_CHUNK]
    async with started(ScriptedUpstream([script])) as bench:
        line = [(b"x-stainless-timeout", b"20")]
        got = await watch(bench.port, request_bytes(lines=line, body=message_body(stream=True)))
        assert (19 <= got.head_at < 20, got.body) == (True, coded)


async def test_connection_serves_the_next_call_behind_an_error_event(started) -> None:
    script = [*OPENED, chunk(OVERLOADED_EVENT), LAST_CHUNK]
    upstream = ScriptedUpstream([script, stream_answer(EVENTS)])
    async with started(upstream, retry=ONCE) as bench, connected(bench.port) as app:
        await app.send(REQUEST)
        assert (await app.receive()).body == OVERLOADED_EVENT
        await asyncio.sleep(40)
        await app.send(REQUEST)
        assert (await app.receive()).body == b"".join(EVENTS)


async def test_sends_that_are_spent_end_an_opened_call_without_the_held_events(started) -> None:
    script = [*OPENED, chunk(b"".join(EVENTS[1:4])), Pause(15), Reset()]
    async with started(ScriptedUpstream(otherwise=script), retry=TWICE) as bench:
        got = await watch(bench.port, REQUEST)
        assert b"message_start" not in got.body
        assert got.body.count(PING) == 3


async def test_caller_that_leaves_an_opened_call_is_no_failure_and_cancels_the_upstream(started) -> None:
    async with started(ScriptedUpstream([[STREAM_HEAD, chunk(EVENTS[0]), Hang()]])) as bench:
        async with connected(bench.port) as app:
            await app.send(REQUEST)
            await app.head()
            left_at = asyncio.get_running_loop().time()
        await asyncio.sleep(0.1)
        gone_at = bench.first.requests[0].gone_at
        assert gone_at is not None
        assert gone_at - left_at <= 0.1
        call = await told(bench)
        assert (call["cancelled"], call["status"], call["errorType"], call["route"]) == (
            True,
            200,
            None,
            "first",
        )
        sent = call["attempts"][0]
        assert (sent["cancelled"], sent["partial"], sent["usage"]["inputTokens"]) == (True, True, 10)


async def test_usage_of_a_stream_that_the_caller_left_is_told_as_partial(started) -> None:
    script = [STREAM_HEAD, chunk(b"".join(EVENTS[:9])), Hang()]
    async with started(ScriptedUpstream([script])) as bench:
        async with connected(bench.port) as app:
            await app.send(REQUEST)
            await app.head()
            await app.chunk()
        await asyncio.sleep(0.1)
        sent = (await told(bench))["attempts"][0]
        assert (sent["partial"], sent["usage"]["inputTokens"], sent["usage"]["outputTokens"]) == (True, 10, 1)


async def test_usage_of_a_whole_stream_is_not_partial(started) -> None:
    async with started(ScriptedUpstream([stream_answer(EVENTS)])) as bench:
        await watch(bench.port, REQUEST)
        call = await told(bench)
        assert (call["attempts"][0]["partial"], call["commitReason"]) == (False, "first-delta")


COMPLETION = [event("completion", completion=" Hi"), event("completion", stop_reason="stop_sequence")]


@pytest.mark.parametrize(
    ("end", "partial"),
    [
        ([chunk(COMPLETION[1]), LAST_CHUNK], False),
        ([Reset()], True),
        ([chunk(OVERLOADED_EVENT), LAST_CHUNK], True),
    ],
)
async def test_completion_is_partial_unless_its_body_came_to_its_end(end, partial, started) -> None:
    script = [STREAM_HEAD, chunk(COMPLETION[0]), Pause(1), *end]
    async with started(ScriptedUpstream([script])) as bench:
        await watch(bench.port, COMPLETE)
        assert (await told(bench))["attempts"][0]["partial"] is partial


async def test_completion_that_the_caller_left_is_partial(started) -> None:
    script = [STREAM_HEAD, chunk(COMPLETION[0]), Hang()]
    async with started(ScriptedUpstream([script])) as bench:
        async with connected(bench.port) as app:
            await app.send(COMPLETE)
            await app.head()
            await app.chunk()
        await asyncio.sleep(0.1)
        call = await told(bench)
        assert (call["cancelled"], call["attempts"][0]["partial"]) == (True, True)


async def test_error_inside_a_held_200_that_is_delivered_is_told_as_a_failure(started, caplog) -> None:
    script = [STREAM_HEAD, chunk(OVERLOADED_EVENT), LAST_CHUNK]
    async with started(ScriptedUpstream([script]), retry=ONCE) as bench:
        got = await bench.ask(REQUEST)
        assert (got.status, got.body) == (200, OVERLOADED_EVENT)
        (line,) = [record for record in caplog.records if record.message == "request failed or was retried"]
        assert (line.levelname, line.facts["error_type"]) == ("WARNING", "overloaded_error")
        assert b'error_type="overloaded_error"' in (await bench.admin("/metrics")).body


async def test_error_event_without_a_type_is_a_failure_of_no_known_type(started) -> None:
    script = [STREAM_HEAD, chunk(b"event: error\ndata: {}\n\n"), LAST_CHUNK]
    async with started(ScriptedUpstream([script]), retry=ONCE) as bench:
        await bench.ask(REQUEST)
        call = await told(bench)
        assert (call["cause"], call["attempts"][0]["errorType"]) == ("ServerError", "_OTHER")
        assert b'error_type="_other"' in (await bench.admin("/metrics")).body


async def test_error_that_is_delivered_without_opening_keeps_its_status(started) -> None:
    async with started(ScriptedUpstream([error(529, "overloaded_error")]), retry=ONCE) as bench:
        assert (await bench.ask(REQUEST)).status == 529

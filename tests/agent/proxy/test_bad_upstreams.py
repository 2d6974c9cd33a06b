"""Upstreams that send garbage, endless heads, endless bodies or wrong lengths are failures by the table."""

import asyncio
import gzip
import json
import tracemalloc

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import Close, Endless, Hang, ScriptedUpstream
from support.fakes.wire_bytes import (
    STREAM_HEAD,
    answer,
    chunk,
    event,
    message_body,
    stream_answer,
    stream_events,
)

pytestmark = pytest.mark.looptime

OK = b"HTTP/1.1 200 OK\r\n"
STREAMED = request_bytes(body=message_body(stream=True))

GARBAGE = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "binary": bytes(range(256)) * 4,
    "HTTP/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18),
    "no status": b"HTTP/1.1\r\n\r\n",
    "status of letters": b"HTTP/1.1 abc OK\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 Switched\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\nxx",
    "both framings": OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "two content lengths": OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    "content length of letters": OK + b"content-length: many\r\n\r\nabcd",
    "negative content length": OK + b"content-length: -4\r\n\r\nabcd",
    "header without a colon": OK + b"nonsense\r\ncontent-length: 0\r\n\r\n",
    "NUL in a header": OK + b"x-a: \x00\r\ncontent-length: 0\r\n\r\n",
    "broken chunk size": OK + b"transfer-encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
    "chunk longer than said": OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    "fewer bytes than said": OK + b"content-length: 100\r\n\r\nonly this",
    "unfinished head": OK + b"content-type: text/pl",
    "nothing": b"",
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_is_a_connection_failure_that_is_repeated(name, started, caplog) -> None:
    upstream = ScriptedUpstream([[GARBAGE[name], Close()], answer()])
    async with started(upstream) as bench:
        got = await bench.message()
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (200, "2")
        attempts = (await bench.admin_json("/requests"))[0]["attempts"]
        assert attempts[0]["cause"] == "ConnectionFailure"
    assert "Traceback" not in caplog.text


PAGE = answer(200, b"<!doctype html><title>Welcome</title>", kind="Text/HTML; charset=utf-8")


@pytest.mark.parametrize("stream", [True, False])
async def test_web_page_in_place_of_an_answer_is_a_server_error_that_is_repeated(stream, started) -> None:
    good = stream_answer(stream_events()) if stream else answer()
    async with started(ScriptedUpstream([PAGE, good])) as bench:
        got = await bench.message(stream=stream)
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (200, "2")
        attempts = (await bench.admin_json("/requests"))[0]["attempts"]
        assert (attempts[0]["cause"], attempts[0]["status"]) == ("ServerError", 200)


async def test_web_page_from_everywhere_is_an_error_of_ours_that_names_the_route(started) -> None:
    async with started(ScriptedUpstream(otherwise=PAGE)) as bench:
        got = await bench.message(stream=True)
        told = json.loads(got.body)["error"]
        assert (got.status, told["type"]) == (502, "gateway_unreachable")
        assert "route first" in told["message"]
        assert "it answered 200 with Text/HTML" in told["message"]


@pytest.mark.parametrize("target", ["/v1/files/file_1/content", "/console"])
async def test_web_page_that_may_be_what_was_asked_for_is_handed_on(target, started) -> None:
    async with started(ScriptedUpstream(otherwise=PAGE)) as bench:
        got = await bench.ask(request_bytes("GET", target))
        assert (got.status, got.body) == (200, b"<!doctype html><title>Welcome</title>")


@pytest.mark.parametrize("status", [302, 403, 502])
async def test_web_page_with_a_status_that_tells_is_handed_on(status, started) -> None:
    page = answer(status, b"<h1>No</h1>", kind="text/html")
    async with started(ScriptedUpstream(otherwise=page)) as bench:
        got = await bench.message()
        assert (got.status, got.body) == (status, b"<h1>No</h1>")


@pytest.mark.parametrize("name", ["no HTTP", "binary", "broken chunk size"])
async def test_garbage_everywhere_is_an_error_of_ours(name, started) -> None:
    upstream = ScriptedUpstream(otherwise=[GARBAGE[name], Hang()])
    async with started(upstream, retry={"maxAttempts": 2}) as bench:
        got = await bench.message()
        assert (got.status, json.loads(got.body)["error"]["type"]) == (502, "gateway_unreachable")
        assert len(upstream.requests) == 2


async def test_upstream_that_speaks_first_is_answered_by_a_failure(started) -> None:
    upstream = ScriptedUpstream(greeting=b"220 mail.example ESMTP\r\n")
    async with started(upstream, retry={"maxAttempts": 2}) as bench:
        assert (await bench.message()).status == 502


@pytest.mark.parametrize(
    "piece",
    [b"x-more: " + b"v" * 1000 + b"\r\n", b"a:\r\n" * 500, b"v" * 1000],
    ids=["lines", "tiny", "one line"],
)
async def test_endless_headers_are_a_connection_failure(piece, started) -> None:
    start = OK if piece.endswith(b"\n") else OK + b"x-endless: "
    upstream = ScriptedUpstream([[start, Endless(piece)], answer()])
    async with started(upstream) as bench:
        assert (await bench.message()).status == 200
        assert upstream.requests[0].written < 16 << 20


async def test_endless_interim_answers_are_a_connection_failure(started) -> None:
    upstream = ScriptedUpstream([[Endless(b"HTTP/1.1 100 Continue\r\nx-a: b\r\n\r\n")], answer()])
    async with started(upstream) as bench:
        assert (await bench.message()).status == 200


@pytest.mark.long
async def test_endless_body_without_events_is_committed_in_bounded_memory(started) -> None:
    """Held is 1 MiB; after that it flows by in pieces, and ends with an error event when it breaks off."""
    size = 24 << 20
    script = [STREAM_HEAD, Endless(chunk(b"z" * 250_000), size), Close()]
    async with started(ScriptedUpstream([script])) as bench:
        tracemalloc.start()
        try:
            writer, read, tail = await _read_all(bench.port, STREAMED)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert read > size * 0.9
        assert b"gateway_stream_interrupted" in tail
        assert peak < 12 << 20
        writer.transport.abort()


async def _read_all(port: int, request: bytes):
    """Writer, bytes read and the last of them, without keeping the rest."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    read, tail = 0, b""
    while piece := await reader.read(1 << 16):
        read += len(piece)
        tail = (tail + piece)[-2000:]
    return writer, read, tail


async def test_stream_of_comments_only_is_let_go_after_one_mebibyte(started) -> None:
    script = [STREAM_HEAD, Endless(chunk(b": nothing\n\n" * 1000), 3 << 20), Close()]
    async with started(ScriptedUpstream([script])) as bench:
        got = await bench.ask(STREAMED)
        assert got.status == 200
        assert b"gateway_stream_interrupted" in got.body


async def test_body_longer_than_said_is_cut_where_it_was_said_and_the_connection_dropped(started) -> None:
    upstream = ScriptedUpstream([OK + b"content-length: 3\r\n\r\nabcdef", answer()])
    async with started(upstream) as bench:
        assert (await bench.message()).body == b"abc"
        assert (await bench.message()).status == 200
        assert [request.connection for request in upstream.requests] == [0, 1]


@pytest.mark.long
async def test_gzip_bomb_is_relayed_as_it_is_and_not_unfolded(started) -> None:
    bomb = gzip.compress(b"0" * (64 << 20), mtime=0)
    async with started(ScriptedUpstream([answer(200, bomb, [("content-encoding", "gzip")])])) as bench:
        tracemalloc.start()
        got = await bench.message()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert got.body == bomb
        assert peak < 40 << 20


async def test_events_of_odd_shape_are_relayed_as_they_are(started) -> None:
    events = stream_events()
    odd = [
        b": comment\n\n",
        b"event: unheard_of\ndata: {}\n\n",
        b"event: message_delta\ndata: not json\n\n",
        b"event: message_start\ndata: " + b"[" * 5000 + b"\n\n",
        b"data: [DONE]\n\n",
        b"\n\n",
        b"event:ping\ndata:\xff\xfe\n\n",
        event("message_delta", usage={"output_tokens": "many"}),
    ]
    mixed = events[:3] + odd + events[3:8] + odd + events[8:]
    async with started(ScriptedUpstream([stream_answer(mixed)])) as bench:
        got = await bench.ask(STREAMED)
        assert (got.body, got.end) == (b"".join(mixed), "whole")

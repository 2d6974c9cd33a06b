"""What is not HTTP, or meant to fool us, is refused or closed, never forwarded; odd bodies are forwarded."""

import asyncio
import json

import pytest
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import LAST_CHUNK, answer, chunk, message_body

pytestmark = pytest.mark.looptime

POST = b"POST /v1/messages HTTP/1.1\r\nHost: a\r\n"
GET = b"GET /v1/models HTTP/1.1\r\n"
SMUGGLED = b"GET /v1/stolen HTTP/1.1\r\nHost: a\r\n\r\n"

REFUSED = {
    "no HTTP at all": b"hello there\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)) + b"\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /v1/models\r\n\r\n",
    "unknown version": b"GET /v1/models HTTP/9.1\r\nHost: a\r\n\r\n",
    "both framings": POST + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "both framings the other way": POST
    + b"transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "two content lengths": POST + b"content-length: 4\r\ncontent-length: 5\r\n\r\nabcd",
    "two equal content lengths": POST + b"content-length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "content length list": POST + b"content-length: 4, 4\r\n\r\nabcd",
    "signed content length": POST + b"content-length: +4\r\n\r\nabcd",
    "negative content length": POST + b"content-length: -1\r\n\r\n",
    "hexadecimal content length": POST + b"content-length: 0x4\r\n\r\nabcd",
    "content length with underscore": POST + b"content-length: 1_0\r\n\r\n0123456789",
    "endless content length": POST + b"content-length: " + b"9" * 40 + b"\r\n\r\n",
    "empty content length": POST + b"content-length: \r\n\r\n",
    "chunked twice": POST + b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "gzip framing": POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked in disguise": POST + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two transfer encodings": POST
    + b"transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST /v1/messages HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "space before the colon": POST + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "folded line": POST + b"x-a: 1\r\n folded\r\n\r\n",
    "bare line feeds": b"POST /v1/messages HTTP/1.1\nHost: a\nContent-Length: 0\n\n",
    "bare carriage return in a value": POST + b"x-a: 1\rtransfer-encoding: chunked\r\n\r\n",
    "NUL in a value": POST + b"x-a: 1\x002\r\n\r\n",
    "NUL in a name": POST + b"x\x00a: 1\r\n\r\n",
    "space in a name": POST + b"x a: 1\r\n\r\n",
    "no colon": POST + b"nonsense\r\n\r\n",
    "no name": POST + b": value\r\n\r\n",
    "two hosts": GET + b"Host: a\r\nHost: b\r\n\r\n",
    "absolute form": b"GET http://api.anthropic.com/v1/models HTTP/1.1\r\nHost: api.anthropic.com\r\n\r\n",
    "CONNECT": b"CONNECT api.anthropic.com:443 HTTP/1.1\r\nHost: api.anthropic.com:443\r\n\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "upgrade": GET + b"Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "space in the target": b"GET /v1/mod els HTTP/1.1\r\nHost: a\r\n\r\n",
    "control in the target": b"GET /v1/\x01models HTTP/1.1\r\nHost: a\r\n\r\n",
    "raw UTF-8 in the target": "GET /v1/mödels HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
    "method that is none": b"GE\x7fT / HTTP/1.1\r\nHost: a\r\n\r\n",
    "broken chunk size": POST + b"transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "chunk size over 64 bits": POST + b"transfer-encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\nabc",
    "chunk without its end": POST + b"transfer-encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    "headers over 64 KiB": POST + b"".join(b"x-%d: %b\r\n" % (n, b"v" * 1000) for n in range(70)) + b"\r\n",
    "one header over 64 KiB": POST + b"x-a: " + b"v" * 70_000 + b"\r\n\r\n",
    "target over 64 KiB": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "ten thousand headers": POST + b"".join(b"a%d:\r\n" % n for n in range(10_000)) + b"\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
async def test_bad_request_is_never_forwarded_and_the_process_keeps_serving(name, started, caplog) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        async with connected(bench.port) as app:
            await app.send(REFUSED[name])
            got = await app.receive()
            assert got.end == "whole", got
            told = json.loads(got.body)
            assert (got.status, told["error"]["type"]) == (400, "gateway_bad_request"), got
            assert got.header("request-id") == told["request_id"]
            assert got.header("x-should-retry") == "false"
            assert got.header("x-claude-sidecar-hint")
            assert got.header("connection") == "close"
            assert await app.is_closed(within_s=5)
        assert bench.first.requests == []
        assert bench.first.connections == 0
        assert (await bench.message()).status == 200
        assert bench.sidecar.handler.in_flight == 0
        labels = {"route": "none", "model": "none", "status": "400", "key": "none"}
        labels["error_type"] = "gateway_bad_request"
        metrics = bench.sidecar.telemetry.metrics
        assert metrics.value("claude_sidecar_requests_total", labels) == 1
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("line", [b"x-a: %b\r\n" % (b"v" * 1000), b"v" * 1000], ids=["lines", "one line"])
async def test_endless_header_block_is_refused_before_its_end(line, started) -> None:
    async with started(ScriptedUpstream()) as bench, connected(bench.port) as app:
        answering = asyncio.create_task(app.receive())
        await app.send(POST + b"x-b: ")
        sent_bytes = 0
        while not answering.done():
            await app.send(line)
            sent_bytes += len(line)
            await asyncio.sleep(0.001)
        got = await answering
        assert (got.end, got.status) == ("whole", 400)
        assert sent_bytes < 256 << 10
        assert await app.is_closed(within_s=5)


async def test_header_block_up_to_the_limit_is_forwarded(started) -> None:
    lines = [(b"x-%d" % number, b"v" * 1000) for number in range(60)]
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        assert (await bench.message(lines)).status == 200
        assert bench.first.requests[0].lines[2:62] == lines


@pytest.mark.parametrize(
    "body",
    [
        b"not json at all",
        b'{"model": "claude-opus-4-8", "stream": true',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"model": "' + b"m" * (1 << 20) + b'", "stream": true}',
        b'{"model": "\xff\xfe", "stream": true}',
        b"\xef\xbb\xbf{}",
        b'{"model": 7, "stream": "yes", "max_tokens": "many"}',
        b'{"model": null, "stream": null, "container": null}',
        b'"stream"',
        b"null",
        b'{"model":"a","model":"b","stream":true,"stream":false}',
        b'{"max_tokens": 1' + b"0" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_odd_body_is_forwarded_as_it_is_and_treated_as_no_stream(body, started) -> None:
    lines = [(b"accept-encoding", b"gzip")]
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        assert (await bench.ask(request_bytes(lines=lines, body=body))).status == 200
        request = bench.first.requests[0]
        assert (request.body, request.header(b"accept-encoding")) == (body, b"gzip")
        assert (await bench.admin_json("/requests"))[0]["stream"] is False
        assert len(str(await bench.admin_json("/requests"))) < 5000


async def test_body_that_stops_short_is_not_forwarded(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        async with connected(bench.port) as app:
            await app.send(request_bytes(lines=[(b"content-length", b"100")]) + b"only this")
            await asyncio.sleep(1)
            app.writer.write_eof()
            await asyncio.sleep(1)
        await asyncio.sleep(1)
        assert bench.first.requests == []
        assert bench.sidecar.handler.in_flight == 0


async def test_slow_body_is_waited_for(started) -> None:
    body = message_body()
    async with started(ScriptedUpstream(otherwise=answer())) as bench, connected(bench.port) as app:
        await app.send(request_bytes(lines=[(b"content-length", b"%d" % len(body))]))
        for position in range(len(body)):
            await app.send(body[position : position + 1])
            await asyncio.sleep(1)
        assert (await app.receive()).status == 200
        assert bench.first.requests[0].body == body


async def test_pipelined_requests_are_answered_in_order(started) -> None:
    upstream = ScriptedUpstream([answer(200, b"1"), answer(404, b"2"), answer(200, b"3")])
    async with started(upstream) as bench, connected(bench.port) as app:
        await app.send(request_bytes(body=message_body()) * 3)
        assert [(await app.receive()).body for _ in range(3)] == [b"1", b"2", b"3"]


async def test_trailers_of_a_chunked_request_are_not_taken_for_headers(started) -> None:
    head = request_bytes(lines=[(b"transfer-encoding", b"chunked"), (b"trailer", b"x-api-key")])
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        body = message_body()
        await bench.ask(head + chunk(body) + LAST_CHUNK[:-2] + b"x-api-key: other\r\n\r\n")
        assert bench.first.requests[0].body == body
        assert b"other" not in bench.first.requests[0].head


async def test_http_1_0_caller_gets_its_answer_and_a_close(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench, connected(bench.port) as app:
        await app.send(b"GET /v1/models HTTP/1.0\r\n\r\n")
        got = await app.receive()
        assert (got.status, got.header("content-length")) == (200, "57")
        assert await app.is_closed(within_s=5)

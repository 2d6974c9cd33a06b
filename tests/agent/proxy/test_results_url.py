"""`results_url` of batch objects leads back through the sidecar, and nothing else changes."""

import gzip
import json

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import LAST_CHUNK, answer, chunk

pytestmark = pytest.mark.looptime

RESULTS = "/v1/messages/batches/msgbatch_1/results"


def batch(origin: str) -> dict:
    return {"id": "msgbatch_1", "type": "message_batch", "results_url": f"{origin}{RESULTS}", "other": origin}


async def asked(bench, method: str = "GET", path: str = "/v1/messages/batches/msgbatch_1"):
    host = b"localhost:%d" % bench.port
    return await bench.ask(request_bytes(method, path, [(b"Host", host)]))


def ours(bench) -> str:
    return f"http://localhost:{bench.port}{RESULTS}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/messages/batches/msgbatch_1"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/messages/batches/msgbatch_1/cancel"),
    ],
)
async def test_results_url_gets_the_callers_host_as_origin(method, path, started) -> None:
    upstream = ScriptedUpstream()
    async with started(upstream) as bench:
        origin = f"http://127.0.0.1:{upstream.port}"
        text = json.dumps(batch(origin))
        upstream.otherwise = answer(200, text.encode())
        got = await asked(bench, method, path)
        assert got.body.decode() == text.replace(f'"{origin}{RESULTS}"', f'"{ours(bench)}"')
        assert got.header("content-length") == str(len(got.body))


async def test_every_batch_of_a_list_is_changed(started) -> None:
    upstream = ScriptedUpstream()
    async with started(upstream) as bench:
        origin = f"http://127.0.0.1:{upstream.port}"
        body = json.dumps({"data": [batch(origin)] * 3 + [{"results_url": None}]}, separators=(",", ":"))
        upstream.otherwise = answer(200, body.encode())
        data = json.loads((await asked(bench, path="/v1/messages/batches?limit=3")).body)["data"]
        assert [one["results_url"] for one in data] == [ours(bench)] * 3 + [None]


async def test_gzip_coded_batch_is_changed_and_goes_on_without_its_coding(started) -> None:
    upstream = ScriptedUpstream()
    async with started(upstream) as bench:
        body = gzip.compress(json.dumps(batch(f"http://127.0.0.1:{upstream.port}")).encode())
        upstream.otherwise = answer(200, body, [("content-encoding", "gzip")])
        got = await asked(bench)
        assert json.loads(got.body)["results_url"] == ours(bench)
        assert got.header("content-encoding") is None
        assert got.header("content-length") == str(len(got.body))


async def test_chunked_batch_is_changed(started) -> None:
    upstream = ScriptedUpstream()
    async with started(upstream) as bench:
        body = json.dumps(batch(f"http://127.0.0.1:{upstream.port}")).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        upstream.otherwise = head + chunk(body[:60]) + chunk(body[60:]) + LAST_CHUNK
        assert json.loads((await asked(bench)).body)["results_url"] == ours(bench)


@pytest.mark.parametrize("coding", [None, "gzip", "x-own"])
async def test_foreign_origin_is_left_alone_byte_for_byte(coding, started) -> None:
    body = json.dumps(batch("https://elsewhere.example")).encode()
    coded = gzip.compress(body, mtime=0) if coding else body
    lines = [("content-encoding", coding)] if coding else []
    async with started(ScriptedUpstream(otherwise=answer(200, coded, lines))) as bench:
        got = await asked(bench)
        assert (got.body, got.header("content-encoding")) == (coded, coding)


async def test_origin_that_only_begins_like_the_routes_is_foreign(started) -> None:
    upstream = ScriptedUpstream()
    async with started(upstream) as bench:
        body = json.dumps(batch(f"http://127.0.0.1:{upstream.port}0.evil.example")).encode()
        upstream.otherwise = answer(200, body)
        assert (await asked(bench)).body == body


async def test_results_themselves_and_messages_are_left_alone(started) -> None:
    upstream = ScriptedUpstream()
    async with started(upstream) as bench:
        body = json.dumps(batch(f"http://127.0.0.1:{upstream.port}")).encode()
        upstream.otherwise = answer(200, body)
        assert (await asked(bench, path=RESULTS)).body == body
        assert (await asked(bench, "POST", "/v1/messages")).body == body


@pytest.mark.parametrize("written", ["", "/base"])
async def test_an_endpoint_with_a_path_is_left_behind_too(written, started) -> None:
    """Upstreams differ in whether they write the path that a gateway before them has taken off."""
    upstream = ScriptedUpstream()
    async with started(upstream) as bench:
        origin = f"http://127.0.0.1:{upstream.port}"
        upstream.otherwise = answer(200, json.dumps(batch(origin + written)).encode())
        spec = bench.policy_file.read_text().replace(origin, f"{origin}/base")
        bench.policy_file.write_text(spec)
        bench.sidecar.reload()
        assert json.loads((await asked(bench)).body)["results_url"] == ours(bench)
        assert upstream.requests[0].start_line.startswith(b"GET /base/v1/messages/batches/msgbatch_1 ")


@pytest.mark.parametrize("coding", [[], [("content-encoding", "gzip")]])
async def test_batch_longer_than_what_is_held_stays_as_it_is(coding, started) -> None:
    upstream = ScriptedUpstream()
    async with started(upstream) as bench:
        plain = json.dumps({**batch(f"http://127.0.0.1:{upstream.port}"), "pad": "x" * (9 << 20)}).encode()
        body = gzip.compress(plain) if coding else plain
        upstream.otherwise = answer(200, body, coding)
        got = await asked(bench)
        assert got.body == body
        assert got.header("content-encoding") == ("gzip" if coding else None)

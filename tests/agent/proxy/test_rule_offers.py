"""What a client merely offers is ignored, and forms that HTTP allows are served."""

import json

import pytest
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import LAST_CHUNK, answer, chunk, message_body

pytestmark = pytest.mark.looptime

H2C = [
    (b"Connection", b"Upgrade, HTTP2-Settings"),
    (b"Upgrade", b"h2c"),
    (b"HTTP2-Settings", b"AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"),
]
OFFERS = {
    "h2c": H2C,
    "h2c whose settings Connection does not name": [(b"connection", b"upgrade"), *H2C[1:]],
    "TLS": [(b"Connection", b"upgrade"), (b"Upgrade", b"TLS/1.2")],
    "several": [(b"Connection", b"keep-alive, Upgrade"), (b"Upgrade", b"HTTP/2.0, SHTTP/1.3, IRC/6.9")],
    "several lines": [(b"Connection", b"x-hop"), (b"connection", b"UPGRADE"), (b"upgrade", b"a/1")],
    "unknown protocol with websocket in its name": [
        (b"Connection", b"upgrade"),
        (b"Upgrade", b"x-websocket"),
    ],
    "Upgrade that Connection does not name": [(b"Upgrade", b"websocket")],
    "Upgrade without a value": [(b"Connection", b"upgrade"), (b"Upgrade", b"")],
}
DEMANDS = {
    "websocket": [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")],
    "websocket in another case": [(b"connection", b"keep-alive,upgrade"), (b"upgrade", b"WebSocket/13")],
    "websocket among others": [(b"Connection", b"Upgrade"), (b"Upgrade", b"h2c, websocket")],
}


def told(got) -> tuple[int, str, str]:
    error = json.loads(got.body)["error"]
    return got.status, error["type"], error["message"]


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_offer_is_ignored_and_ends_here(offer, method, started) -> None:
    body = message_body() if method == "POST" else b""
    target = "/v1/messages" if method == "POST" else "/v1/models"
    async with started(ScriptedUpstream(otherwise=answer())) as bench, connected(bench.port) as app:
        for _ in range(2):
            await app.send(request_bytes(method, target, OFFERS[offer], body))
            assert (await app.receive()).status == 200
        for request in bench.first.requests:
            assert request.start_line == f"{method} {target} HTTP/1.1".encode()
            assert request.body == body
            assert {name.lower() for name, _ in request.lines}.isdisjoint(
                {b"upgrade", b"http2-settings", b"connection"}
            )


async def test_offer_with_a_chunked_body_in_pieces_is_served_whole(started) -> None:
    head = request_bytes(lines=[*H2C, (b"transfer-encoding", b"chunked")])
    async with started(ScriptedUpstream(otherwise=answer())) as bench, connected(bench.port) as app:
        for piece in (head[:50], head[50:], chunk(message_body()), LAST_CHUNK):
            await app.send(piece)
        assert (await app.receive()).status == 200
        assert bench.first.requests[0].body == message_body()


@pytest.mark.parametrize("demand", DEMANDS)
async def test_websocket_is_refused_in_words(demand, started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        got = await bench.ask(request_bytes("GET", "/v1/models", DEMANDS[demand]))
        status, kind, message = told(got)
        assert (status, kind, got.closed) == (400, "gateway_bad_request", True)
        assert "WebSocket" in message
        assert bench.first.requests == []


async def test_expectation_is_met_only_where_http_knows_it(started) -> None:
    expecting = [(b"Expect", b"100-continue")]
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        got = await bench.message([*H2C, *expecting])
        assert (got.status, got.interim) == (200, [b"HTTP/1.1 100 Continue"])
        got = await bench.ask(request_bytes("GET", "/v1/models", expecting))
        assert (got.status, got.interim) == (200, [])
        old = request_bytes(lines=expecting, body=message_body()).replace(
            b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1
        )
        got = await bench.ask(old)
        assert (got.status, got.interim) == (200, [])


@pytest.mark.parametrize(
    "host", [b"127.0.0.1", b"localhost", b"LOCALHOST", b"127.0.0.1:{port}", b"other.example"]
)
@pytest.mark.parametrize("authority", ["127.0.0.1", "localhost", "LocalHost", "app.localhost", "[::1]"])
async def test_absolute_form_at_our_own_address_is_served(authority, host, started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        port = bench.port
        lines = [(b"Host", host.replace(b"{port}", b"%d" % port))]
        got = await bench.ask(request_bytes("GET", f"http://{authority}:{port}/v1/models?limit=2", lines))
        assert got.status == 200
        request = bench.first.requests[0]
        assert request.start_line == b"GET /v1/models?limit=2 HTTP/1.1"
        assert request.header(b"host") == b"127.0.0.1:%d" % bench.first.port


@pytest.mark.parametrize(("rest", "target"), [("", b"/"), ("?a=b", b"/?a=b"), ("/", b"/")])
async def test_absolute_form_without_a_path_is_the_root(rest, target, started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        await bench.ask(request_bytes("GET", f"HTTP://127.0.0.1:{bench.port}{rest}"))
        assert bench.first.requests[0].start_line == b"GET %b HTTP/1.1" % target


async def test_results_url_leads_to_the_authority_of_the_target_and_not_to_host(started) -> None:
    upstream = ScriptedUpstream()
    async with started(upstream) as bench:
        url = f"http://127.0.0.1:{upstream.port}/v1/messages/batches/b/results"
        upstream.otherwise = answer(200, json.dumps({"id": "b", "results_url": url}).encode())
        lines = [(b"Host", b"other.example")]
        got = await bench.ask(
            request_bytes("GET", f"http://localhost:{bench.port}/v1/messages/batches/b", lines)
        )
        assert json.loads(got.body)["results_url"] == url.replace(
            f"127.0.0.1:{upstream.port}", f"localhost:{bench.port}"
        )


@pytest.mark.parametrize(
    "target",
    [
        "http://api.anthropic.com/v1/messages",
        "https://api.anthropic.com/v1/messages",
        "http://127.0.0.1/v1/messages",
        "http://localhost:1/v1/messages",
        "https://127.0.0.1:{port}/v1/messages",
        "http://user@127.0.0.1:{port}/v1/messages",
        "http://:{port}/v1/messages",
        "ftp://127.0.0.1:{port}/v1/messages",
        "127.0.0.1:{port}/v1/messages",
        "v1/messages",
    ],
)
async def test_another_address_is_refused_with_what_to_set(target, started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        got = await bench.ask(request_bytes("GET", target.replace("{port}", str(bench.port))))
        assert told(got)[:2] == (400, "gateway_bad_request")
        assert bench.first.requests == []


async def test_use_as_a_forward_proxy_is_told_the_right_variable(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        got = await bench.ask(request_bytes("POST", "http://api.anthropic.com/v1/messages"))
        assert "set ANTHROPIC_BASE_URL to this address, not HTTP_PROXY" in told(got)[2]


@pytest.mark.parametrize(
    "host", [b"", b'a"b', b"x y", b"\xff\xfe", b"a\\u0022", b"a:b", b"a/b", b"u@a", b"a:99999", b"http://a"]
)
async def test_host_that_is_none_is_refused(host, started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        got = await bench.ask(request_bytes(lines=[(b"Host", host)], body=message_body()))
        assert told(got)[:2] == (400, "gateway_bad_request")
        assert "Host" in told(got)[2]
        assert bench.first.requests == []

"""A request reaches the upstream as the app sent it: the same header lines, the same body bytes."""

import gzip

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import LAST_CHUNK, answer, chunk, message_body, stream_answer, stream_events

pytestmark = pytest.mark.looptime

ODD_LINES = [
    (b"Host", b"127.0.0.1:8787"),
    (b"ACCEPT", b"application/json"),
    (b"anthropic-beta", b"files-api-2025-04-14"),
    (b"x-Odd-CASE", b"Value With  Spaces"),
    (b"Anthropic-Beta", b"context-1m-2025-08-07,  other-2026-01-01"),
    (b"x-repeat", b"1"),
    (b"anthropic-version", b"2023-06-01"),
    (b"X-Repeat", b"2"),
    (b"x-latin", b"caf\xe9"),
    (b"accept-encoding", b"gzip, deflate;q=0.5"),
    (b"cookie", b"a=b; c=d"),
    (b"X-Stainless-Retry-Count", b"0"),
    (b"anthropic-beta", b"third-2026-02-02"),
    (b"x-empty", b""),
    (b"user-agent", b"App/1 (test)"),
]


async def sent_on(started, request: bytes, **spec):
    """The request as the upstream got it."""
    async with started(ScriptedUpstream(otherwise=answer()), **spec) as bench:
        assert (await bench.ask(request)).status == 200
        return bench.first.requests[0], bench.first.port


async def test_header_lines_keep_order_case_and_repeats_and_only_host_is_the_routes(started) -> None:
    request, port = await sent_on(started, request_bytes(lines=ODD_LINES, body=message_body(), key=b"sk-x"))
    host = (b"Host", b"127.0.0.1:%d" % port)
    length = (b"content-length", b"%d" % len(message_body()))
    *lines, (added, _) = request.lines
    assert lines == [(b"x-api-key", b"sk-x"), host, *ODD_LINES[1:], length]
    assert added == b"x-claude-sidecar-instance"


async def test_several_beta_lines_stay_several(started) -> None:
    request, _ = await sent_on(started, request_bytes(lines=ODD_LINES, body=message_body()))
    betas = [line for line in request.lines if line[0].lower() == b"anthropic-beta"]
    assert betas == [line for line in ODD_LINES if line[0].lower() == b"anthropic-beta"]


@pytest.mark.parametrize(
    "body",
    [
        message_body(),
        b' {\n\t"model" : "claude-opus-4-8" ,"messages":[] , "caf\xc3\xa9":1e400,"model":"twice"}\r\n',
        b"not json",
        bytes(range(256)) * 3000,
        b"\x00",
    ],
    ids=["plain", "oddly spaced", "no JSON", "binary", "one zero byte"],
)
async def test_body_bytes_are_the_same(body, started) -> None:
    request, _ = await sent_on(started, request_bytes(body=body))
    assert request.body == body


async def test_gzip_coded_body_goes_up_as_it_is(started) -> None:
    body = gzip.compress(message_body(), mtime=0)
    request, _ = await sent_on(started, request_bytes(lines=[(b"Content-Encoding", b"gzip")], body=body))
    assert request.body == body
    assert request.header(b"content-encoding") == b"gzip"


@pytest.mark.parametrize(
    "target",
    [
        "/v1/messages?beta=true",
        "/v1/messages?",
        "/v1/models?limit=1000&after_id=%2F%20a+b&x=%C3%A9",
        "/v1//files/../odd/./path;v=1",
        "/v1/files/file_%41%2f?q=a?b&c=/d#",
        "/",
    ],
)
async def test_path_and_query_are_untouched(target, started) -> None:
    request, _ = await sent_on(started, request_bytes("GET", target.removesuffix("#")))
    assert request.start_line == f"GET {target.removesuffix('#')} HTTP/1.1".encode()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_any_method_and_path_is_forwarded(method, started) -> None:
    request, _ = await sent_on(started, request_bytes(method, "/api/unheard-of", body=b"{}"))
    assert request.start_line == f"{method} /api/unheard-of HTTP/1.1".encode()
    assert request.body == b"{}"


async def test_chunked_body_keeps_its_bytes(started) -> None:
    body = message_body()
    framed = chunk(body[:10]) + chunk(body[10:]) + LAST_CHUNK
    head = request_bytes(lines=[(b"Transfer-Encoding", b"chunked")])
    request, _ = await sent_on(started, head + framed)
    assert request.body == body
    assert not (request.header(b"transfer-encoding") and request.header(b"content-length"))


async def test_hop_by_hop_lines_end_here(started) -> None:
    lines = [
        (b"Connection", b"keep-alive, X-Private"),
        (b"X-Private", b"for the proxy"),
        (b"Keep-Alive", b"timeout=5"),
        (b"TE", b"trailers"),
        (b"Proxy-Authorization", b"Basic xyz"),
        (b"x-stays", b"1"),
    ]
    request, _ = await sent_on(started, request_bytes(lines=lines, body=message_body()))
    names = [name.lower() for name, _ in request.lines]
    assert names == [b"host", b"x-api-key", b"x-stays", b"content-length", b"x-claude-sidecar-instance"]


async def test_stream_asks_for_identity_in_the_same_place_and_others_do_not(started) -> None:
    streamed = stream_answer(stream_events())
    async with started(ScriptedUpstream([streamed, answer(), streamed])) as bench:
        await bench.ask(request_bytes(lines=ODD_LINES, body=message_body(stream=True)))
        await bench.ask(request_bytes(lines=ODD_LINES, body=message_body()))
        await bench.ask(request_bytes(body=message_body(stream=True)))
        coded, plain, unsaid = bench.first.requests
        assert coded.header(b"accept-encoding") == b"identity"
        assert [name for name, _ in coded.lines[:-1]] == [name for name, _ in plain.lines[:-1]]
        assert plain.header(b"accept-encoding") == b"gzip, deflate;q=0.5"
        assert unsaid.header(b"accept-encoding") == b"identity"


async def test_trace_context_is_stripped_and_baggage_always(started) -> None:
    lines = [
        (b"traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"),
        (b"tracestate", b"x=y"),
        (b"Baggage", b"user=1"),
    ]
    request, _ = await sent_on(started, request_bytes(lines=lines, body=message_body()))
    assert {b"traceparent", b"tracestate", b"baggage"}.isdisjoint(n.lower() for n, _ in request.lines)


async def test_trace_context_is_replaced_where_the_policy_propagates(started) -> None:
    trace = b"a" * 32
    lines = [(b"traceparent", b"00-" + trace + b"-" + b"b" * 16 + b"-01"), (b"tracestate", b"x=y")]
    request, _ = await sent_on(
        started,
        request_bytes(lines=[*lines, (b"baggage", b"a=b")], body=message_body()),
        telemetry={"traces": {"propagate": True}},
    )
    version, same, span, _ = (request.header(b"traceparent") or b"").split(b"-")
    assert (version, same, request.header(b"tracestate")) == (b"00", trace, b"x=y")
    assert span != b"b" * 16
    assert request.header(b"baggage") is None


@pytest.mark.parametrize("parent", [b"00-none", None], ids=["unreadable", "absent"])
async def test_tracestate_without_a_readable_traceparent_is_dropped(parent, started) -> None:
    lines = [(b"tracestate", b"x=y")] + ([(b"traceparent", parent)] if parent is not None else [])
    request, _ = await sent_on(
        started,
        request_bytes(lines=lines, body=message_body()),
        telemetry={"traces": {"propagate": True}},
    )
    assert request.header(b"traceparent") not in (None, parent)
    assert request.header(b"tracestate") is None


async def test_base_path_of_the_endpoint_goes_before_the_path(started) -> None:
    upstream = ScriptedUpstream(otherwise=answer())
    async with upstream.running():
        routes = [{"endpoint": f"http://127.0.0.1:{upstream.port}/proxy/claude/"}]
        async with started(ScriptedUpstream(), routes=routes) as bench:
            await bench.ask(request_bytes("GET", "/v1/models?a=b"))
    assert upstream.requests[0].start_line == b"GET /proxy/claude/v1/models?a=b HTTP/1.1"


async def test_expect_100_continue_is_answered_here_and_not_passed_on(started) -> None:
    head = request_bytes(
        lines=[(b"Expect", b"100-continue"), (b"content-length", b"%d" % len(message_body()))]
    )
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        got = await bench.ask(head + message_body())
        assert (got.interim, got.status) == ([b"HTTP/1.1 100 Continue"], 200)
        assert bench.first.requests[0].header(b"expect") is None
        assert bench.first.requests[0].body == message_body()


async def test_several_calls_go_over_one_connection_on_both_sides(started) -> None:
    from support.fakes.raw_client import connected

    async with started(ScriptedUpstream(otherwise=answer())) as bench, connected(bench.port) as connection:
        for _ in range(3):
            await connection.send(request_bytes(body=message_body()))
            assert (await connection.receive()).status == 200
        assert bench.first.connections == 1
        assert [request.connection for request in bench.first.requests] == [0, 0, 0]

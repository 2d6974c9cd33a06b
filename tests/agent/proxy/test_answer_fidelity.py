"""An upstream's answer reaches the caller as a direct call would have got it, byte for byte."""

import pytest
from support.fakes.golden_answers import GOLDEN
from support.fakes.raw_client import RawAnswer, ask, request_bytes
from support.fakes.scripted_upstream import Close, ScriptedUpstream
from support.fakes.wire_bytes import message_body

pytestmark = pytest.mark.looptime

ADDED = {
    b"x-claude-sidecar-route",
    b"x-claude-sidecar-attempts",
    b"x-claude-sidecar-cause",
    b"x-claude-sidecar-limit",
    b"x-claude-sidecar-hint",
}
FRAMING = {b"transfer-encoding", b"connection", b"keep-alive", b"trailer", b"x-hop"}
ONCE = {"maxAttempts": 1}


def own_lines(answer: RawAnswer, but: set[bytes]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in answer.lines if name.lower() not in but]


def assert_same(through: RawAnswer, direct: RawAnswer) -> None:
    """The caller's answer is the direct one, less framing, plus what docs/responses.md lists."""
    assert through.start_line.partition(b" ")[2] == direct.start_line.partition(b" ")[2]
    assert through.body == direct.body
    assert through.end == direct.end == "whole"
    but = ADDED | FRAMING
    if through.header("x-should-retry") == "false":
        but = but | {b"x-should-retry"}
    assert own_lines(through, but) == own_lines(direct, but)
    assert through.header("x-claude-sidecar-route") == "first"
    assert through.header("x-claude-sidecar-attempts") == "1"


@pytest.mark.parametrize("name", GOLDEN)
async def test_answer_is_byte_for_byte_that_of_a_direct_call(name, started) -> None:
    request = request_bytes(body=message_body())
    upstream = ScriptedUpstream(otherwise=[GOLDEN[name], Close()])
    async with started(upstream, retry=ONCE) as bench:
        direct = await ask(upstream.port, request)
        through = await bench.ask(request)
        assert_same(through, direct)


@pytest.mark.parametrize("status", [200, 404, 529])
async def test_answer_to_head_is_that_of_a_direct_call_without_a_body(status, started) -> None:
    request = request_bytes("HEAD", "/v1/models")
    head = b"HTTP/1.1 %d Said\r\nContent-Type: text/plain\r\nContent-Length: 1234\r\n\r\n" % status
    upstream = ScriptedUpstream(otherwise=head)
    async with started(upstream, retry=ONCE) as bench:
        direct = await ask(upstream.port, request, bodiless=True)
        through = await bench.ask(request, bodiless=True)
        assert_same(through, direct)
        assert through.header("content-length") == "1234"
        assert through.closed is False


async def test_head_leaves_the_upstream_connection_usable(started) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n"
    upstream = ScriptedUpstream([head, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"])
    async with started(upstream) as bench:
        await bench.ask(request_bytes("HEAD", "/v1/models"), bodiless=True)
        assert (await bench.message()).body == b"ok"
        assert [request.connection for request in upstream.requests] == [0, 0]


async def test_body_of_many_megabytes_is_passed_on_as_it_is(started) -> None:
    body = bytes(range(256)) * (5 << 12)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with started(ScriptedUpstream([head + body])) as bench:
        got = await bench.message()
        assert got.body == body
        assert got.header("content-length") == str(len(body))


async def test_interim_answers_of_the_upstream_are_not_taken_for_the_answer(started) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    real = b"HTTP/1.1 200 OK\r\nx-real: yes\r\ncontent-length: 2\r\n\r\nok"
    async with started(ScriptedUpstream([early + real])) as bench:
        got = await bench.message()
        assert (got.status, got.header("x-real"), got.header("link")) == (200, "yes", None)


def test_corpus_has_every_status_of_the_reference() -> None:
    held = {int(raw.split(b" ", 2)[1]) for raw in GOLDEN.values()}
    assert held >= {200, 204, 304, 307, 400, 401, 402, 403, 404, 408, 409, 412, 413, 422, 429, 431}
    assert held >= {499, 500, 501, 502, 503, 504, 520, 522, 529}
    assert len(GOLDEN) >= 30

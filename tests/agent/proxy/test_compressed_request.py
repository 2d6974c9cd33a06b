"""Request bodies that come compressed: read for what routing needs, else sent on as they came."""

import gzip
import json

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import answer, error, stream_answer, stream_events

pytestmark = pytest.mark.looptime

GZIP = (b"content-encoding", b"gzip")


def compressed(**changes) -> bytes:
    body = {"model": "claude-opus-4-8", "max_tokens": 5, "messages": [], **changes}
    return gzip.compress(json.dumps(body).encode())


async def test_a_compressed_stream_call_is_held_like_any_other(started) -> None:
    upstream = ScriptedUpstream([stream_answer(stream_events()[:1]), stream_answer(stream_events())])
    body = compressed(stream=True)
    async with started(upstream) as bench:
        got = await bench.ask(request_bytes(lines=[GZIP], body=body))
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (200, "2")
        assert [sent.body for sent in upstream.requests] == [body, body]


async def test_a_file_id_in_a_compressed_body_pins_the_call(started) -> None:
    first, second = (
        ScriptedUpstream(otherwise=error(529, "overloaded_error")),
        ScriptedUpstream(otherwise=answer()),
    )
    source = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
    body = compressed(messages=[{"role": "user", "content": [source]}])
    async with started(first, second, retry={"maxAttempts": 2}) as bench:
        assert (await bench.ask(request_bytes(lines=[GZIP], body=body))).status == 529
        assert second.requests == []


async def test_a_compressed_body_goes_on_to_a_route_with_another_name_for_the_model(started) -> None:
    first, second = (
        ScriptedUpstream(otherwise=error(529, "overloaded_error")),
        ScriptedUpstream(otherwise=answer()),
    )
    routes = [{}, {"models": [{"name": "claude-opus-4-8", "id": "other-name"}]}]
    body = compressed()
    async with started(first, second, routes=routes, retry={"maxAttempts": 2}) as bench:
        assert (await bench.ask(request_bytes(lines=[GZIP], body=body))).status == 200
        assert first.requests[0].body == body
        assert json.loads(gzip.decompress(second.requests[0].body))["model"] == "other-name"


async def test_a_tools_argument_in_a_compressed_body_pins_nothing(started) -> None:
    first, second = (
        ScriptedUpstream(otherwise=error(529, "overloaded_error")),
        ScriptedUpstream(otherwise=answer()),
    )
    tool = {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "drive",
        "input": {"file_id": "1AbC", "type": "file"},
    }
    body = compressed(messages=[{"role": "assistant", "content": [tool]}])
    async with started(first, second, retry={"maxAttempts": 2}) as bench:
        assert (await bench.ask(request_bytes(lines=[GZIP], body=body))).status == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"no gzip at all", id="not gzip"),
        pytest.param(gzip.compress(b"{" * 100), id="not JSON"),
        pytest.param(gzip.compress(b"0" * (33 << 20)), id="larger than the limit"),
    ],
)
async def test_what_does_not_decode_is_forwarded_as_it_is(body, started) -> None:
    upstream = ScriptedUpstream(otherwise=answer())
    async with started(upstream) as bench:
        assert (await bench.ask(request_bytes(lines=[GZIP], body=body))).status == 200
        assert upstream.requests[0].body == body

"""A success of a type that the API never answers with: some page on the way, which SDKs take for whole."""

import pytest
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import answer

pytestmark = pytest.mark.looptime

PAGE = b"<html>Sign in to the network</html>"


def page(kind: str = "text/html; charset=utf-8") -> bytes:
    return answer(200, PAGE, kind=kind)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "message"])
@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "TEXT/PLAIN", "application/octet-stream"])
async def test_another_route_takes_the_call(started, stream: bool, kind: str) -> None:
    good = answer(200, b'{"type": "message"}')
    async with started(ScriptedUpstream(otherwise=page(kind)), ScriptedUpstream(otherwise=good)) as bench:
        reply = await bench.message(stream=stream)
    assert (reply.status, reply.body) == (200, b'{"type": "message"}')
    assert reply.header("x-claude-sidecar-route") == "second"


async def test_where_there_is_no_better_answer_it_is_delivered_as_it_came(started) -> None:
    async with started(ScriptedUpstream(otherwise=page())) as bench:
        reply = await bench.message(stream=True)
        (told,) = await bench.admin_json("/requests")
    assert (reply.status, reply.body) == (200, PAGE)
    assert reply.header("x-claude-sidecar-cause") == "ServerError"
    assert told["attempts"][-1]["errorType"] == "unexpected_content_type"


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.api+json", None])
async def test_json_and_answers_without_a_type_are_delivered_at_once(started, kind: str | None) -> None:
    async with started(ScriptedUpstream(otherwise=answer(200, b"{}", kind=kind))) as bench:
        reply = await bench.message()
    assert reply.header("x-claude-sidecar-attempts") == "1"
    assert reply.header("x-claude-sidecar-cause") is None

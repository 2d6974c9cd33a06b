"""What Claude Code asks at start and of a model, as it is documented, goes through as it is."""

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import answer, error, message_body, stream_answer, stream_events

pytestmark = pytest.mark.looptime

OAUTH = (b"authorization", b"Bearer sk-ant-oat01-a-login")
BETAS = (b"anthropic-beta", b"claude-code-20250219,oauth-2025-04-20,interleaved-thinking-2025-05-14")
CONVERSATION = (
    (b"X-Claude-Code-Session-Id", b"d6e2adfe-94db-46b0-aa99-d047c27e256a"),
    (b"x-claude-code-agent-id", b"agent-2"),
    (b"x-claude-code-parent-agent-id", b"agent-1"),
)
MODELS = b'{"data":[{"id":"claude-sonnet-4-6","type":"model"}],"has_more":false}'


@pytest.mark.parametrize("target", ["/", "/api/hello"])
@pytest.mark.parametrize("status", [200, 404])
async def test_its_probe_gets_whatever_the_route_says_and_is_sent_once(target, status, started) -> None:
    async with started(ScriptedUpstream(otherwise=answer(status, b""))) as bench:
        got = await bench.ask(request_bytes("HEAD", target, key=None), bodiless=True)
        assert (got.status, got.body) == (status, b"")
        assert [sent.start_line for sent in bench.sends] == [f"HEAD {target} HTTP/1.1".encode()]


async def test_model_discovery_gets_the_routes_list_unchanged(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer(200, MODELS))) as bench:
        got = await bench.ask(request_bytes("GET", "/v1/models?limit=1000", [OAUTH, BETAS], key=None))
        assert (got.status, got.body) == (200, MODELS)
        assert [sent.start_line for sent in bench.sends] == [b"GET /v1/models?limit=1000 HTTP/1.1"]


async def test_a_login_its_betas_and_the_ids_of_a_conversation_go_on_as_they_came(started) -> None:
    lines = [OAUTH, BETAS, *CONVERSATION]
    body = message_body(stream=True)
    async with started(ScriptedUpstream(otherwise=stream_answer(stream_events()))) as bench:
        got = await bench.ask(request_bytes("POST", "/v1/messages?beta=true", lines, body, key=None))
        assert b"event: message_stop" in got.body
        (sent,) = bench.sends
        assert sent.start_line == b"POST /v1/messages?beta=true HTTP/1.1"
        assert sent.body == body
        assert [line for line in sent.lines if line in lines] == lines


async def test_an_overload_that_attempts_did_not_cure_tells_it_to_stop(started) -> None:
    overloaded = error(529, "overloaded_error")
    async with started(ScriptedUpstream(otherwise=overloaded), retry={"maxAttempts": 2}) as bench:
        got = await bench.ask(request_bytes("POST", "/v1/messages?beta=true", [OAUTH, BETAS], message_body()))
        assert (got.status, got.header("x-should-retry")) == (529, "false")
        assert len(bench.sends) == 2

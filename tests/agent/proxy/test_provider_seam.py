"""What a route's provider decides is asked of it alone: shown by one that differs wherever it may."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.toy_provider import STREAM_HEAD, Toy, frame, oops
from support.fakes.wire_bytes import LAST_CHUNK, answer, chunk, message_body, stream_answer, stream_events

from claude_sidecar.providers.registry import PROVIDERS

pytestmark = pytest.mark.looptime

TOKEN = "toy-token-0123456789"
MODELS = [{"name": "claude-opus-4-8", "id": "toy-opus"}]
EVENTS = stream_events()
FRAMES = b"".join(frame(event) for event in EVENTS)

Toyed = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture
def toyed(started, monkeypatch: pytest.MonkeyPatch) -> Toyed:
    """Like `started`, with the toy as the first route's provider."""
    monkeypatch.setitem(PROVIDERS, "Toy", Toy())

    @asynccontextmanager
    async def start(*upstreams: ScriptedUpstream, **spec: Any) -> AsyncIterator[Any]:
        first = {"models": MODELS, "credential": {"env": "TOY_TOKEN"}}
        routes = [first, *[{} for _ in upstreams[1:]]]
        async with started(*upstreams, routes=routes, environ={"TOY_TOKEN": TOKEN}, **spec) as bench:
            policy = bench.sidecar.policy
            toy, *others = policy.loaded.snapshot.routes
            toy = replace(toy, provider="Toy", credential=replace(toy.credential, provider="Toy"))
            snapshot = replace(policy.loaded.snapshot, routes=(toy, *others))
            policy.on_policy(replace(policy.loaded, snapshot=snapshot))
            yield bench

    return start


def toy_answer(status: int = 200, body: bytes = b"{}", *lines: tuple[str, str]) -> bytes:
    return answer(status, body, [("x-toy-id", "toy_1"), *lines])


async def test_target_header_and_body_of_the_request_are_the_providers(toyed) -> None:
    async with toyed(ScriptedUpstream(otherwise=toy_answer())) as bench:
        await bench.message([(b"anthropic-version", b"2023-06-01"), (b"x-other", b"stays")])
        (sent,) = bench.first.requests
        assert sent.start_line == b"POST /toy/toy-opus/invoke?from=/v1/messages HTTP/1.1"
        assert sent.header(b"anthropic-version") == b"toy-2023-06-01"
        assert sent.header(b"x-other") == b"stays"
        assert sent.header(b"x-toy-token") == TOKEN.encode()
        assert sent.header(b"x-api-key") is None
        assert sent.header(b"content-length") == b"%d" % len(sent.body)
        assert sent.body == message_body().replace(b'"model": "claude-opus-4-8"', b'"toy_version": 1')


async def test_credential_is_of_the_kind_that_the_provider_says(toyed) -> None:
    async with toyed(ScriptedUpstream(otherwise=toy_answer())) as bench:
        await bench.message()
        (told,) = await bench.admin_json("/requests")
        assert told["key"] == "oauth"


async def test_response_has_the_header_names_of_the_claude_api(toyed) -> None:
    async with toyed(ScriptedUpstream(otherwise=toy_answer())) as bench:
        got = await bench.message()
        assert (got.header("request-id"), got.header("x-toy-id")) == ("toy_1", None)
        (told,) = await bench.admin_json("/requests")
        assert told["requestId"] == "toy_1"


@pytest.mark.parametrize("cut", [1, 3, 7, 100, len(FRAMES)])
async def test_stream_in_the_providers_framing_reaches_the_app_as_the_same_events(cut, toyed) -> None:
    pieces = [chunk(FRAMES[at : at + cut]) for at in range(0, len(FRAMES), cut)]
    script = [STREAM_HEAD + b"transfer-encoding: chunked\r\n\r\n", *pieces, LAST_CHUNK]
    async with toyed(ScriptedUpstream([script])) as bench:
        got = await bench.message(stream=True)
        assert bench.first.requests[0].start_line.startswith(b"POST /toy/toy-opus/stream?")
        assert got.header("content-type") == "text/event-stream"
        assert got.body == b"".join(EVENTS)
        assert got.end == "whole"


async def test_stream_that_breaks_before_its_first_delta_is_repeated(toyed) -> None:
    head = STREAM_HEAD + b"transfer-encoding: chunked\r\n\r\n"
    whole = [head, chunk(FRAMES), LAST_CHUNK]
    async with toyed(ScriptedUpstream([[head, chunk(frame(EVENTS[0])[:-5]), LAST_CHUNK], whole])) as bench:
        got = await bench.message(stream=True)
        assert (got.status, got.body) == (200, b"".join(EVENTS))
        assert got.header("x-claude-sidecar-attempts") == "2"


async def test_error_is_read_by_the_provider_and_delivered_as_it_rewrites_it(toyed) -> None:
    refused = toy_answer(418, oops("teapot", "short and stout"))
    async with toyed(ScriptedUpstream(otherwise=refused)) as bench:
        got = await bench.message()
        assert got.status == 418
        assert json.loads(got.body)["error"] == {"type": "toy_error", "message": "short and stout"}
        assert got.header("content-length") == str(len(got.body))
        assert got.header("x-claude-sidecar-cause") == "InvalidRequest"
        (told,) = await bench.admin_json("/requests")
        assert told["attempts"][0]["errorType"] == "toy_teapot"


async def test_cause_status_limit_and_wait_of_a_failure_are_the_providers(toyed) -> None:
    throttled = toy_answer(400, oops("throttled", "slow down"), ("x-toy-wait", "7"))
    async with toyed(ScriptedUpstream(otherwise=throttled), retry={"maxAttempts": 2}) as bench:
        began = asyncio.get_running_loop().time()
        got = await bench.message()
        assert 7 <= asyncio.get_running_loop().time() - began < 8
        assert got.start_line == b"HTTP/1.1 429 Too Many Requests"
        assert got.header("x-claude-sidecar-cause") == "RateLimit"
        assert got.header("x-claude-sidecar-limit") == "requests"
        assert len(bench.first.requests) == 2


async def test_rate_limits_of_the_providers_headers_are_learnt(toyed) -> None:
    async with toyed(ScriptedUpstream(otherwise=toy_answer(200, b"{}", ("x-toy-left", "41")))) as bench:
        await bench.message()
        (route,) = await bench.admin_json("/routes")
        assert route["limits"]["toy-opus"]["requests"]["remaining"] == 41


async def test_route_whose_provider_cannot_do_what_is_asked_is_passed_over(toyed) -> None:
    second = ScriptedUpstream(otherwise=answer(200, b'{"input_tokens": 3}'))
    async with toyed(ScriptedUpstream(), second) as bench:
        count = request_bytes(target="/v1/messages/count_tokens", body=message_body())
        got = await bench.ask(count)
        assert (got.status, got.header("x-claude-sidecar-route")) == (200, "second")
        assert bench.first.requests == []


async def test_request_that_no_provider_can_serve_is_refused_with_a_sentence(toyed) -> None:
    async with toyed(ScriptedUpstream()) as bench:
        got = await bench.ask(request_bytes(target="/v1/messages/count_tokens", body=message_body()))
        told = json.loads(got.body)["error"]
        assert (got.status, told["type"]) == (503, "gateway_no_route")
        assert "no route of policy test has a provider that can do what this request" in told["message"]
        assert bench.first.requests == []


async def test_call_that_moves_is_put_to_each_provider_in_its_own_way(toyed) -> None:
    first = ScriptedUpstream(otherwise=toy_answer(400, oops("throttled", "slow down")))
    second = ScriptedUpstream(otherwise=stream_answer(EVENTS))
    async with toyed(first, second, fallback={"causes": ["RateLimit"]}) as bench:
        got = await bench.message(stream=True)
        assert (got.status, got.body) == (200, b"".join(EVENTS))
        sent = bench.upstreams[1].requests[0]
        assert sent.start_line == b"POST /v1/messages HTTP/1.1"
        assert sent.body == message_body(stream=True)
        assert sent.header(b"x-toy-token") is None
        assert sent.header(b"x-api-key") == b"sk-ant-api03-caller"


async def test_metrics_name_the_provider_that_was_asked_last(toyed) -> None:
    async with toyed(ScriptedUpstream(otherwise=toy_answer())) as bench:
        await bench.message()
        metrics = (await bench.admin("/metrics")).body
        assert b'gen_ai_provider_name="toy"' in metrics
        assert b'gen_ai_provider_name="anthropic"' not in metrics

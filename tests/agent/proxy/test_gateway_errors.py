"""What the sidecar adds to an answer, and the errors it makes itself."""

import asyncio
import json
import re

import pytest
from support.fakes.raw_client import RawAnswer, connected, request_bytes
from support.fakes.scripted_upstream import Close, Pause, ScriptedUpstream, Until
from support.fakes.wire_bytes import answer, error, message_body, stream_answer, stream_events

pytestmark = pytest.mark.looptime

SHOULD_RETRY = {
    "gateway_bad_request": "false",
    "gateway_request_too_large": "false",
    "gateway_no_route": "false",
    "gateway_bug": "false",
    "gateway_busy": "true",
    "gateway_draining": "true",
    "gateway_credential_missing": None,
    "gateway_timeout": None,
    "gateway_unreachable": "false",
}
"""By `error.type`; the last two where the deadline came, and where the call's sends were spent."""


def added(got: RawAnswer) -> dict[str, str]:
    return {
        name.decode().lower(): value.decode()
        for name, value in got.lines
        if name.lower().startswith(b"x-claude-sidecar-") or name.lower() == b"x-should-retry"
    }


def assert_own(got: RawAnswer, status: int, kind: str) -> dict:
    """An error of our own, in the API's envelope and with the headers that docs/responses.md lists."""
    document = json.loads(got.body)
    assert (got.status, document["type"], document["error"]["type"]) == (status, "error", kind)
    assert set(document) == {"type", "error", "request_id"}
    assert set(document["error"]) == {"type", "message"}
    assert re.fullmatch(r"sc_[0-9a-f]{24}", document["request_id"])
    assert got.header("request-id") == document["request_id"]
    assert got.header("content-type") == "application/json"
    assert got.header("x-claude-sidecar-route") == "none"
    assert got.header("x-claude-sidecar-cause")
    assert got.header("x-should-retry") == SHOULD_RETRY[kind]
    return document["error"]


async def test_success_carries_route_and_attempts_and_nothing_else(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        expected = {"x-claude-sidecar-route": "first", "x-claude-sidecar-attempts": "1"}
        assert added(await bench.message()) == expected


async def test_stream_carries_them_too(started) -> None:
    async with started(ScriptedUpstream(otherwise=stream_answer(stream_events()))) as bench:
        got = await bench.message(stream=True)
        assert set(added(got)) == {"x-claude-sidecar-route", "x-claude-sidecar-attempts"}


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (400, "InvalidRequest"),
        (401, "Authentication"),
        (402, "Billing"),
        (403, "Permission"),
        (404, "NotFound"),
        (409, "Conflict"),
        (413, "TooLarge"),
        (422, "InvalidRequest"),
        (429, "RateLimit"),
        (500, "ServerError"),
        (529, "Overloaded"),
        (408, "Timeout"),
    ],
)
async def test_error_answers_carry_their_cause_and_those_with_help_a_hint(status, cause, started) -> None:
    async with started(ScriptedUpstream(otherwise=error(status)), retry={"maxAttempts": 1}) as bench:
        headers = added(await bench.message())
        assert headers["x-claude-sidecar-cause"] == cause
        hinted = "x-claude-sidecar-hint" in headers
        assert hinted is (status in (400, 401, 402, 403, 404, 413, 429, 500, 529))
        if hinted:
            assert headers["x-claude-sidecar-hint"].isascii()
        assert ("x-should-retry" in headers) is (status in (408, 429) or status >= 500)


@pytest.mark.parametrize(
    ("family", "limit"),
    [
        ("anthropic-ratelimit-requests", "requests"),
        ("anthropic-ratelimit-input-tokens", "input-tokens"),
        ("anthropic-ratelimit-output-tokens", "output-tokens"),
        (None, "unknown"),
    ],
)
async def test_429_tells_which_limit_was_hit(family, limit, started) -> None:
    lines = [(f"{family}-limit", "50"), (f"{family}-remaining", "0")] if family else []
    upstream = ScriptedUpstream(otherwise=error(429, "rate_limit_error", lines))
    async with started(upstream, retry={"maxAttempts": 1}) as bench:
        assert (await bench.message()).header("x-claude-sidecar-limit") == limit


async def test_409_is_left_to_the_sdk(started) -> None:
    async with started(ScriptedUpstream(otherwise=error(409, "conflict_error"))) as bench:
        assert "x-should-retry" not in added(await bench.message())


async def test_should_retry_of_the_upstream_stays_on_what_no_sdk_repeats(started) -> None:
    upstream = ScriptedUpstream(otherwise=error(400, lines=[("X-Should-Retry", "false")]))
    async with started(upstream) as bench:
        assert [v for n, v in (await bench.message()).lines if n == b"X-Should-Retry"] == [b"false"]


async def test_unreachable(started, free_port) -> None:
    routes = [{"endpoint": f"http://127.0.0.1:{free_port}"}]
    async with started(ScriptedUpstream(), routes=routes, retry={"maxAttempts": 2}) as bench:
        got = await bench.message()
        told = assert_own(got, 502, "gateway_unreachable")
        assert f"127.0.0.1:{free_port}" in told["message"]
        assert added(got)["x-claude-sidecar-attempts"] == "2"


async def test_unreachable_and_sent_once_leaves_the_sdk_its_repeats(started) -> None:
    async with started(ScriptedUpstream(otherwise=[Close()])) as bench:
        got = await bench.ask(request_bytes(target="/v1/messages/batches", body=b"{}"))
        assert (got.status, got.header("x-should-retry")) == (502, None)


async def test_last_send_that_the_deadline_cut_short_leaves_the_sdk_its_repeats(started) -> None:
    async with started(ScriptedUpstream(), retry={"maxAttempts": 1}) as bench:
        got = await bench.message()
        assert (got.status, got.header("x-should-retry")) == (504, None)


async def test_timeout(started) -> None:
    async with started(ScriptedUpstream()) as bench:
        got = await bench.message()
        assert_own(got, 504, "gateway_timeout")
        assert added(got)["x-claude-sidecar-cause"] == "Timeout"


async def test_no_route(started) -> None:
    routes = [{"models": [{"name": "claude-sonnet-4-6"}]}]
    async with started(ScriptedUpstream(), routes=routes) as bench:
        got = await bench.message()
        told = assert_own(got, 503, "gateway_no_route")
        assert "claude-sonnet-4-6" in told["message"]
        assert added(got)["x-claude-sidecar-attempts"] == "0"


@pytest.mark.parametrize(("method", "target"), [("POST", "/v1/messages"), ("GET", "/v1/files/file_1")])
async def test_no_policy_and_a_built_in_one_that_leads_where_this_pod_may_not(
    method: str, target: str, started
) -> None:
    environ = {"CLAUDE_SIDECAR_INJECTED": "true", "CLAUDE_SIDECAR_ALLOWED_HOSTS": "127.0.0.1"}
    body = message_body() if method == "POST" else b""
    asked = request_bytes(method, target, body=body)
    upstream = ScriptedUpstream(otherwise=answer())
    async with started(upstream, environ=environ, retry={"maxAttempts": 99}) as bench:
        told = assert_own(await bench.ask(asked), 503, "gateway_no_route")
        assert "api.anthropic.com is not among the pod's allowed hosts" in told["message"]
        assert await bench.admin_json("/routes") == []
        assert (await bench.admin("/metrics")).status == 200
        await asyncio.sleep(2)
        assert "maxAttempts" in (await bench.admin_json("/status"))["lastError"]
        good = bench.policy_file.read_text().replace('"maxAttempts": 99', '"maxAttempts": 3')
        bench.policy_file.write_text(good)
        await asyncio.sleep(2)
        assert (await bench.ask(asked)).status == 200


async def test_busy(started) -> None:
    gate = asyncio.Event()
    upstream = ScriptedUpstream(otherwise=[Until(gate), answer()])
    async with started(upstream, limits={"maxConcurrent": 2}) as bench:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(bench.message()) for _ in range(2)]
            await asyncio.sleep(0.1)
            got = await bench.message()
            gate.set()
        told = assert_own(got, 529, "gateway_busy")
        assert "maxConcurrent" in told["message"]
        assert (got.header("x-should-retry"), got.header("retry-after")) == ("true", "1")
        assert [task.result().status for task in running] == [200, 200]
        assert (await bench.message()).status == 200


async def test_draining(started) -> None:
    upstream = ScriptedUpstream(otherwise=[Pause(5), answer()])
    async with started(upstream) as bench, connected(bench.port) as running:
        await running.send(request_bytes(body=message_body()))
        await asyncio.sleep(0.1)
        draining = asyncio.ensure_future(bench.sidecar.drain())
        await asyncio.sleep(0.1)
        got = await bench.message()
        assert_own(got, 503, "gateway_draining")
        assert (got.header("x-should-retry"), got.header("retry-after")) == ("true", "1")
        assert (await bench.admin("/readyz")).status == 503
        assert (await bench.admin("/livez")).status == 200
        assert (await running.receive()).status == 200
        assert await draining is True


async def test_draining_has_an_end(started) -> None:
    upstream = ScriptedUpstream()
    async with started(upstream, drain_s=3.0) as bench, connected(bench.port) as running:
        await running.send(request_bytes(body=message_body()))
        await asyncio.sleep(0.1)
        assert await bench.sidecar.drain() is False


async def test_own_error_to_head_has_no_body(started) -> None:
    upstream = ScriptedUpstream(otherwise=[Close()])
    async with started(upstream, retry={"maxAttempts": 1}) as bench, connected(bench.port) as app:
        for _ in range(2):
            await app.send(request_bytes("HEAD", "/v1/models"))
            assert (await app.receive(bodiless=True)).status == 502


async def test_own_errors_leave_the_connection_open(started) -> None:
    upstream = ScriptedUpstream([[Close()], answer()])
    async with started(upstream, retry={"maxAttempts": 1}) as bench, connected(bench.port) as app:
        for status in (502, 200):
            await app.send(request_bytes(body=message_body()))
            assert (await app.receive()).status == status


async def test_bug_is_told_as_one_and_logged_without_content(started, monkeypatch, caplog) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("impossible")

    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        monkeypatch.setattr("claude_sidecar.proxy.engine.plan", broken)
        got = await bench.message(system="SECRET-CONTENT")
        assert_own(got, 500, "gateway_bug")
        monkeypatch.undo()
        assert (await bench.message()).status == 200
    assert "SECRET-CONTENT" not in caplog.text

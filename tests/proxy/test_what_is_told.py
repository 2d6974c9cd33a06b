"""What is learnt from calls and told of them, where it is easily told wrong."""

import json
import re

import pytest
from fakes.raw_client import request_bytes
from fakes.scripted_upstream import Hang, Reset, ScriptedUpstream
from fakes.wire_bytes import answer, error, message_body, stream_answer, stream_events

pytestmark = pytest.mark.looptime

LIMITS = [("anthropic-ratelimit-requests-remaining", "7"), ("anthropic-ratelimit-tokens-remaining", "9000")]
COUNTING = [("anthropic-ratelimit-requests-remaining", "99")]


async def test_limits_of_counting_do_not_replace_those_of_calls(started) -> None:
    upstream = ScriptedUpstream([answer(lines=LIMITS), answer(lines=COUNTING)])
    async with started(upstream) as bench:
        await bench.message()
        await bench.ask(request_bytes(target="/v1/messages/count_tokens", body=message_body()))
        (limits,) = (await bench.admin_json("/routes"))[0]["limits"].values()
        assert (limits["requests"]["remaining"], limits["tokens"]["remaining"]) == (7, 9000)


async def test_limit_of_a_429_that_was_cured_is_counted(started) -> None:
    spent = [("anthropic-ratelimit-output-tokens-remaining", "0"), ("retry-after", "1")]
    upstream = ScriptedUpstream([error(429, "rate_limit_error", lines=spent), answer()])
    async with started(upstream) as bench:
        assert (await bench.message()).status == 200
        told = (await bench.admin("/metrics")).body.decode()
        (line,) = re.findall(r"^claude_sidecar_limits_hit_total\{(.*)\} 1.0$", told, re.MULTILINE)
        assert 'limit="output-tokens"' in line


async def test_time_to_first_chunk_is_of_streams_that_were_delivered(started) -> None:
    upstream = ScriptedUpstream(otherwise=[Hang()])
    async with started(upstream, timeouts={"firstByte": "1s"}, retry={"maxAttempts": 1}) as bench:
        assert (await bench.message(stream=True)).status == 504
        name = "claude_sidecar_time_to_first_chunk_seconds_count"
        assert bench.sidecar.telemetry.metrics.value(name) in (None, 0)
        upstream.otherwise = stream_answer(stream_events())
        assert (await bench.message(stream=True)).status == 200
        assert bench.sidecar.telemetry.metrics.value(name) == 1


async def test_a_missing_credential_is_told_of_the_routes_that_serve_the_call(started, tmp_path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-ant-api03-own")
    routes = [
        {"models": [{"name": "claude-sonnet-4-6"}]},
        {"models": [{"name": "claude-opus-5"}], "credential": {"file": str(key)}},
    ]
    async with started(ScriptedUpstream(), ScriptedUpstream(), routes=routes) as bench:
        key.unlink()
        got = await bench.message(model="claude-opus-5")
        message = json.loads(got.body)["error"]["message"]
        assert got.status == 503
        assert "route second" in message
        assert "route first" not in message


async def test_a_new_generation_of_the_same_spec_is_told(started) -> None:
    async with started(ScriptedUpstream()) as bench:
        before = bench.policy_file.read_text()
        bench.policy_file.write_text(before.replace("test", "renamed", 1))
        bench.sidecar.reload()
        told = (await bench.admin("/metrics")).body.decode()
        assert 'policy="renamed"' in told
        assert 'policy="test"' not in told


async def test_unreachable_names_route_and_host(started) -> None:
    async with started(ScriptedUpstream(otherwise=[Reset()])) as bench:
        message = json.loads((await bench.message()).body)["error"]["message"]
        assert f"route first (127.0.0.1:{bench.first.port})" in message


async def test_a_body_that_is_no_json_is_not_told_to_lack_a_field(started) -> None:
    upstream = ScriptedUpstream(otherwise=error(400, "invalid_request_error"))
    async with started(upstream) as bench:
        got = await bench.ask(request_bytes(body=b"not json"))
        assert "max_tokens" not in (got.header("x-claude-sidecar-hint") or "")

"""What is learnt from calls and told of them, where it is easily told wrong."""

import asyncio
import gzip
import json
import re

import msgspec
import pytest
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import Hang, Pause, Reset, ScriptedUpstream
from support.fakes.wire_bytes import MODEL, answer, error, message_body, stream_answer, stream_events

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


async def test_limits_that_cannot_be_read_do_not_replace_those_that_could(started) -> None:
    garbled = [
        ("anthropic-ratelimit-requests-remaining", "many"),
        ("anthropic-ratelimit-tokens-reset", "soon"),
    ]
    upstream = ScriptedUpstream([answer(lines=LIMITS), answer(lines=garbled)])
    async with started(upstream) as bench:
        await bench.message()
        await bench.message()
        (limits,) = (await bench.admin_json("/routes"))[0]["limits"].values()
        assert (limits["requests"]["remaining"], limits["tokens"]["remaining"]) == (7, 9000)


async def test_share_left_of_a_limit_is_told_by_model_for_five_minutes(started) -> None:
    near = [("anthropic-ratelimit-requests-limit", "50"), ("anthropic-ratelimit-requests-remaining", "2")]
    upstream = ScriptedUpstream([answer(lines=near)], otherwise=answer())
    async with started(upstream) as bench:

        async def left() -> list[tuple[str, str]]:
            told = (await bench.admin("/metrics")).body.decode()
            return re.findall(r'^\w+_left_ratio\{.*model="([^"]+)".*\} (\S+)$', told, re.MULTILINE)

        await bench.message(model="claude-opus-4-8")
        await bench.message(model="claude-sonnet-4-6")
        assert await left() == [("claude-opus-4-8", "0.04")]
        for learnt in bench.sidecar.health.notes(bench.sidecar.policy.snapshot().routes[0]).limits.values():
            msgspec.structs.force_setattr(learnt, "unix_s", learnt.unix_s - 301)
        assert await left() == []


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
        assert bench.sidecar.telemetry.metrics.value(name) == 0
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
        await asyncio.sleep(1.1)
        got = await bench.message(model="claude-opus-5")
        message = json.loads(got.body)["error"]["message"]
        assert got.status == 503
        assert "route second" in message
        assert "route first" not in message


async def test_an_answer_is_told_with_what_was_sent_for_it_and_not_with_what_was_sent_last(
    started, tmp_path
) -> None:
    key = tmp_path / "key"
    key.write_text("sk-ant-api03-own")
    routes = [
        {"models": [{"name": MODEL}]},
        {"models": [{"name": "claude-sonnet-4-6"}], "credential": {"file": str(key)}},
    ]
    fallback = {
        "causes": ["Authentication"],
        "substitutions": [{"model": MODEL, "with": ["claude-sonnet-4-6"]}],
    }
    first, second = ScriptedUpstream([error(401)]), ScriptedUpstream([error(404)])
    async with started(first, second, routes=routes, fallback=fallback) as bench:
        bearer = (b"authorization", b"Bearer sk-ant-oat01-callers")
        got = await bench.ask(request_bytes(lines=[bearer], body=message_body(), key=None))
        assert (got.status, got.header("x-claude-sidecar-attempts")) == (401, "2")
        assert second.requests[0].header(b"x-api-key") == b"sk-ant-api03-own"
        assert got.header("x-claude-sidecar-model") is None
        assert "sent on: authorization." in (got.header("x-claude-sidecar-hint") or "")
        (call,) = await bench.admin_json("/requests")
        assert (call["route"], call["key"], call["substitutedModel"]) == ("first", "oauth", None)


async def test_an_answer_that_outlasts_a_later_refusal_is_told_with_its_own_times(started, tmp_path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-ant-api03-own")
    first = ScriptedUpstream([[Pause(0.3), error(529, "overloaded_error")]])
    second = ScriptedUpstream([[Pause(5), error(401)]])
    routes = [{}, {"credential": {"file": str(key)}}]
    async with started(first, second, routes=routes, retry={"maxAttempts": 2}) as bench:
        assert (await bench.message()).status == 529
        (call,) = await bench.admin_json("/requests")
        assert [attempt["durationMs"] for attempt in call["attempts"]] == [
            pytest.approx(300, abs=5),
            pytest.approx(5000, abs=5),
        ]
        assert call["addedMs"] == pytest.approx(5000, abs=5)


async def test_a_refused_key_of_a_route_is_told_with_the_header_that_carried_it(started, tmp_path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-ant-api03-own")
    upstream = ScriptedUpstream(otherwise=error(401))
    async with started(upstream, routes=[{"credential": {"file": str(key)}}]) as bench:
        for header, value in (
            (b"authorization", b"Bearer sk-ant-api03-a"),
            (b"x-api-key", b"sk-ant-api03-a"),
        ):
            got = await bench.ask(request_bytes(lines=[(header, value)], body=message_body(), key=None))
            assert upstream.requests[-1].header(header) is not None
            assert f"sent on: {header.decode()}." in (got.header("x-claude-sidecar-hint") or "")


async def test_a_call_that_is_refused_unsent_is_told_with_its_key_and_its_trace(started) -> None:
    lines = [(b"traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")]
    async with (
        started(ScriptedUpstream(), limits={"maxConcurrent": 1}) as bench,
        connected(bench.port) as app,
    ):
        await app.send(request_bytes(body=message_body()))
        await asyncio.sleep(0.1)
        assert (await bench.message(lines=lines)).status == 529
        (call,) = await bench.admin_json("/requests")
        assert (call["errorType"], call["traceId"]) == ("gateway_busy", "a" * 32)
        assert call["key"] not in ("none", "hidden")


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


@pytest.mark.parametrize("coding", [[], [("content-encoding", "gzip")]])
async def test_models_are_learnt_from_a_list_in_any_coding(coding, started) -> None:
    plain = json.dumps({"data": [{"id": "claude-opus-5", "type": "model"}], "has_more": False}).encode()
    upstream = ScriptedUpstream(otherwise=answer(200, gzip.compress(plain) if coding else plain, coding))
    async with started(upstream) as bench:
        assert (await bench.ask(request_bytes("GET", "/v1/models"))).status == 200
        assert (await bench.admin_json("/routes"))[0]["modelsSeen"] == ["claude-opus-5"]


async def test_calls_that_have_not_ended_are_in_flight(started) -> None:
    async with started(ScriptedUpstream(otherwise=[Hang()])) as bench:
        waiting = [asyncio.ensure_future(bench.message()) for _ in range(3)]
        await asyncio.sleep(1)
        assert b"\nclaude_sidecar_requests_in_flight 3.0\n" in (await bench.admin("/metrics")).body
        waiting.pop().cancel()
        await asyncio.sleep(1)
        assert b"\nclaude_sidecar_requests_in_flight 2.0\n" in (await bench.admin("/metrics")).body
        for call in waiting:
            call.cancel()


async def test_the_list_of_requests_tells_what_the_upstream_asked_for_and_how_patient_the_caller_is(
    started,
) -> None:
    upstream = ScriptedUpstream(
        [
            error(429, "rate_limit_error", lines=[("retry-after", "2.5")]),
            error(529, lines=[("x-should-retry", "true")]),
        ],
        otherwise=answer(),
    )
    async with started(upstream) as bench:
        await bench.ask(request_bytes(lines=[(b"x-stainless-timeout", b"90")], body=message_body()))
        await bench.ask(request_bytes("GET", "/v1/files/file_1"))
        bound, call = await bench.admin_json("/requests")
        assert (call["sdkTimeoutSeconds"], call["accountBound"]) == (90, False)
        assert (bound["sdkTimeoutSeconds"], bound["accountBound"]) == (None, True)
        told = [(sent["retryAfterSeconds"], sent["shouldRetry"]) for sent in call["attempts"]]
        assert told == [(2.5, None), (None, True), (None, None)]


async def test_the_list_of_requests_tells_how_old_a_request_was_that_was_cut_unanswered(started) -> None:
    upstream = ScriptedUpstream([[Pause(12), Reset()], answer()])
    async with started(upstream) as bench:
        assert (await bench.message()).status == 200
        (call,) = await bench.admin_json("/requests")
        cut, answered = (sent["cutAfterSeconds"] for sent in call["attempts"])
        assert cut == pytest.approx(12, abs=0.02)
        assert answered is None

"""Retry hints, and what is delivered when all is spent."""

import json

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import Close, ScriptedUpstream
from support.fakes.wire_bytes import answer, error, message_body

pytestmark = pytest.mark.looptime

WIDE = {"maxAttempts": 4, "budget": {"percent": 100, "minPerSecond": 1000}}


def limited(*lines: tuple[str, str]) -> bytes:
    return error(429, "rate_limit_error", lines)


async def test_retry_after_is_a_floor_to_which_jitter_is_added(started, monkeypatch) -> None:
    monkeypatch.setattr("claude_sidecar.clock.chance", lambda: 0.5)
    retry = WIDE | {"backoff": {"initial": "1s", "max": "30s"}}
    async with started(ScriptedUpstream([limited(("Retry-After", "2.5")), answer()]), retry=retry) as bench:
        assert (await bench.message()).status == 200
        assert bench.sends[1].at == pytest.approx(3, abs=0.02)


async def test_retry_after_as_http_date_is_waited_for(started, monkeypatch) -> None:
    monkeypatch.setattr("claude_sidecar.clock.unix_ns", lambda: 1_800_000_000 * 10**9)
    monkeypatch.setattr("claude_sidecar.clock.chance", lambda: 0.0)
    date = ("retry-after", "Fri, 15 Jan 2027 08:00:20 GMT")
    async with started(ScriptedUpstream([limited(date), answer()])) as bench:
        assert (await bench.message()).status == 200
        assert bench.sends[1].at == pytest.approx(20, abs=0.02)


async def test_unparsable_retry_after_counts_as_none(started) -> None:
    async with started(ScriptedUpstream([limited(("retry-after", "soon")), answer()])) as bench:
        assert (await bench.message()).status == 200


async def test_retry_after_longer_than_max_retry_after_is_delivered_at_once(started) -> None:
    upstream = ScriptedUpstream([limited(("retry-after", "403973")), answer()])
    async with started(upstream, ScriptedUpstream(otherwise=answer())) as bench:
        got = await bench.message()
        assert (got.status, got.header("retry-after")) == (429, "403973")
        assert got.header("x-should-retry") == "false"
        assert len(bench.sends) == 1


async def test_should_retry_false_ends_the_call_on_that_route(started) -> None:
    upstream = ScriptedUpstream(otherwise=error(529, "overloaded_error", [("x-should-retry", "false")]))
    async with started(upstream, retry=WIDE) as bench:
        got = await bench.message()
        assert (got.status, len(upstream.requests)) == (529, 1)
        assert [v for n, v in got.lines if n.lower() == b"x-should-retry"] == [b"false"]


async def test_should_retry_true_forces_a_repeat_while_attempts_remain(started) -> None:
    upstream = ScriptedUpstream(otherwise=error(400, lines=[("x-should-retry", "true")]))
    async with started(upstream, retry=WIDE) as bench:
        got = await bench.message()
        assert (got.status, len(upstream.requests)) == (400, 4)
        assert got.header("x-should-retry") == "true"


async def test_when_all_is_spent_the_last_answer_is_delivered(started) -> None:
    upstream = ScriptedUpstream([error(529), error(500, message="two"), error(503, message="last")])
    async with started(upstream, retry=WIDE | {"maxAttempts": 3}) as bench:
        got = await bench.message()
        assert (got.status, json.loads(got.body)["error"]["message"]) == (503, "last")
        assert got.header("x-should-retry") == "false"


async def test_when_all_is_spent_an_earlier_answer_goes_before_none(started) -> None:
    upstream = ScriptedUpstream([error(500, message="only"), [Close()], [Close()]])
    async with started(upstream, retry=WIDE | {"maxAttempts": 3}) as bench:
        got = await bench.message()
        assert (got.status, json.loads(got.body)["error"]["message"]) == (500, "only")
        assert got.header("x-claude-sidecar-attempts") == "3"


async def test_bad_credential_of_a_later_route_is_never_delivered_while_another_answer_exists(
    started,
) -> None:
    first = ScriptedUpstream(otherwise=error(529, "overloaded_error"))
    second = ScriptedUpstream(otherwise=error(401))
    async with started(first, second, retry=WIDE) as bench:
        got = await bench.message()
        assert (got.status, got.header("x-claude-sidecar-route")) == (529, "first")
        assert (len(first.requests), len(second.requests)) == (3, 1)


async def test_no_answer_at_all_is_an_error_of_ours(started) -> None:
    async with started(ScriptedUpstream(otherwise=[Close()]), retry=WIDE) as bench:
        got = await bench.ask(request_bytes(body=message_body()))
        assert got.status == 502
        assert json.loads(got.body)["error"]["type"] == "gateway_unreachable"
        assert got.header("x-claude-sidecar-attempts") == "4"
        assert got.header("x-claude-sidecar-route") == "none"
        assert got.header("x-claude-sidecar-cause") == "ConnectionFailure"
        assert got.header("x-should-retry") == "false"

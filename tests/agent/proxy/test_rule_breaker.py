"""Circuit breakers, and idle connections that die; hot reload keeps what was learnt."""

import asyncio
import json

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import Close, Hang, ScriptedUpstream
from support.fakes.wire_bytes import answer, error, message_body

pytestmark = pytest.mark.looptime

ONE_SEND = {"maxAttempts": 1}
SMALL = {"failurePercent": 50, "minRequests": 4, "window": "30s", "openFor": "15s"}


async def trip(bench) -> None:
    """Enough failures for the first route's breaker."""
    for _ in range(4):
        await bench.message()


async def breaker_of(bench, position: int = 0) -> str:
    return (await bench.admin_json("/routes"))[position]["breaker"]


async def test_open_breaker_takes_a_route_out_until_a_probe_succeeds(started) -> None:
    first = ScriptedUpstream([error(529)] * 4, answer())
    second = ScriptedUpstream(otherwise=answer())
    async with started(first, second, circuitBreaker=SMALL) as bench:
        await trip(bench)
        assert await breaker_of(bench) == "open"
        assert (await bench.message()).header("x-claude-sidecar-attempts") == "1"
        assert len(first.requests) == 4
        await asyncio.sleep(15)
        assert (await bench.message()).header("x-claude-sidecar-route") == "first"
        assert await breaker_of(bench) == "closed"


async def test_breaker_is_per_model_and_routes_says_whose_trouble_it_is(started) -> None:
    first = ScriptedUpstream([error(529)] * 4, answer())
    async with started(first, ScriptedUpstream(otherwise=answer()), circuitBreaker=SMALL) as bench:
        await trip(bench)
        got = await bench.message(model="claude-sonnet-4-6")
        assert got.header("x-claude-sidecar-route") == "first"
        route = (await bench.admin_json("/routes"))[0]
        assert route["breakers"]["claude-opus-4-8"]["messages"]["state"] == "open"
        assert route["breakers"]["claude-sonnet-4-6"]["messages"]["state"] == "closed"
        assert route["trouble"] == "model claude-opus-4-8"
        assert (route["lastError"]["cause"], route["lastError"]["status"]) == ("Overloaded", 529)


async def test_breaker_does_not_count_4xx(started) -> None:
    async with started(ScriptedUpstream(otherwise=error(429)), retry=ONE_SEND, circuitBreaker=SMALL) as bench:
        for _ in range(8):
            await bench.message()
        assert await breaker_of(bench) == "closed"


async def test_breaker_is_per_kind_of_call(started) -> None:
    """A route that can't count tokens may well answer messages."""
    count = request_bytes(target="/v1/messages/count_tokens", body=message_body())
    first = ScriptedUpstream([error(500)] * 4, answer())
    async with started(first, ScriptedUpstream(otherwise=answer()), circuitBreaker=SMALL) as bench:
        for _ in range(4):
            await bench.ask(count)
        assert (await bench.ask(count)).header("x-claude-sidecar-route") == "second"
        assert (await bench.message()).header("x-claude-sidecar-route") == "first"
        route = (await bench.admin_json("/routes"))[0]
        kinds = route["breakers"]["claude-opus-4-8"]
        assert {kind: breaker["state"] for kind, breaker in kinds.items()} == {
            "messages": "closed",
            "counts": "open",
        }
        assert (route["breaker"], route["trouble"]) == ("open", "model claude-opus-4-8 (counts)")


async def test_listings_have_no_breaker(started) -> None:
    async with started(ScriptedUpstream(otherwise=error(500)), circuitBreaker=SMALL) as bench:
        for _ in range(4):
            await bench.ask(request_bytes("GET", "/v1/models"))
        assert (await bench.admin_json("/routes"))[0]["breakers"] == {}


async def test_breaker_does_not_count_cancelled_calls(started) -> None:
    async with started(ScriptedUpstream(), retry=ONE_SEND, circuitBreaker=SMALL) as bench:
        for _ in range(8):
            _, writer = await asyncio.open_connection("127.0.0.1", bench.port)
            writer.write(request_bytes(body=message_body()))
            await asyncio.sleep(0.01)
            writer.transport.abort()
            await asyncio.sleep(0.01)
        assert len(bench.first.requests) == 8
        assert await breaker_of(bench) == "closed"


async def test_breaker_survives_a_reload(started) -> None:
    first = ScriptedUpstream([error(529)] * 4, answer())
    second = ScriptedUpstream(otherwise=answer())
    async with started(first, second, circuitBreaker=SMALL) as bench:
        await trip(bench)
        policy = json.loads(bench.policy_file.read_text())
        policy["spec"]["timeouts"] = {"idle": "33s"}
        bench.policy_file.write_text(json.dumps(policy))
        await asyncio.sleep(1.1)
        assert (await bench.admin_json("/policy"))["spec"]["timeouts"]["idle"] == "33s"
        assert await breaker_of(bench) == "open"
        assert (await bench.message()).header("x-claude-sidecar-route") == "second"


async def test_learnt_limits_survive_a_reload(started) -> None:
    allowance = [
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "7"),
    ]
    async with started(ScriptedUpstream(otherwise=answer(lines=allowance))) as bench:
        await bench.message()
        before = (await bench.admin_json("/routes"))[0]["limits"]
        assert before
        bench.sidecar.reload()
        assert (await bench.admin_json("/routes"))[0]["limits"] == before


async def test_idle_connection_race_is_one_resend_on_a_fresh_connection(started) -> None:
    # The upstream answers, then closes just as the next request arrives.
    first = ScriptedUpstream([answer(), [Close()], answer()])
    second = ScriptedUpstream(otherwise=answer())
    async with started(first, second) as bench:
        await bench.message()
        got = await bench.message()
        assert (got.status, got.header("x-claude-sidecar-route")) == (200, "first")
        assert got.header("x-claude-sidecar-attempts") == "2"
        assert [request.connection for request in first.requests] == [0, 0, 1]
        assert second.requests == []
        recent = (await bench.admin_json("/routes"))[0]["breakers"]["claude-opus-4-8"]["messages"]
        assert (recent["recentSends"], recent["recentFailures"]) == (2, 0)


async def test_second_death_of_a_connection_is_an_ordinary_failure(started) -> None:
    first = ScriptedUpstream([answer(), [Close()], [Close()]])
    async with started(first, ScriptedUpstream(otherwise=answer())) as bench:
        await bench.message()
        got = await bench.message()
        assert (got.header("x-claude-sidecar-route"), got.header("x-claude-sidecar-attempts")) == (
            "second",
            "3",
        )


async def test_call_that_must_not_repeat_goes_on_a_fresh_connection(started) -> None:
    async with started(ScriptedUpstream([answer(), answer(), answer()])) as bench:
        await bench.message()
        await bench.ask(request_bytes(target="/v1/messages/batches", body=b"{}"))
        assert [request.connection for request in bench.first.requests] == [0, 1]


async def test_connection_that_the_upstream_closed_while_idle_is_not_used(started) -> None:
    async with started(ScriptedUpstream([[answer(), Close()], answer()])) as bench:
        await bench.message()
        await asyncio.sleep(1)
        assert (await bench.message()).header("x-claude-sidecar-attempts") == "1"


async def test_connection_that_was_idle_for_long_is_not_used(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        await bench.message()
        await asyncio.sleep(56)
        await bench.message()
        assert [request.connection for request in bench.first.requests] == [0, 1]


@pytest.mark.parametrize("status", [200, 529])
async def test_connection_with_bytes_out_of_turn_is_not_used(status, started) -> None:
    sent = answer(status) + b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nstolen"
    async with started(ScriptedUpstream([[sent, Hang()], answer()]), retry=ONE_SEND) as bench:
        assert (await bench.message()).status == status
        got = await bench.message()
        assert (got.status, b"stolen" in got.body) == (200, False)
        assert [request.connection for request in bench.first.requests] == [0, 1]

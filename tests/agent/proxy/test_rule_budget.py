"""Retry budget: repeats keep a pace and wait for their turn, so that a storm outlasts an outage."""

import asyncio

import pytest
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import answer, error, message_body

pytestmark = pytest.mark.looptime

DEFAULT = {"backoff": {"initial": "1s", "max": "30s"}}
ONE_A_SECOND = DEFAULT | {"budget": {"percent": 0, "minPerSecond": 1}}


def now() -> float:
    return asyncio.get_running_loop().time()


def outage(seconds: float) -> ScriptedUpstream:
    """An upstream that answers 529 until so many seconds from now."""
    upstream = ScriptedUpstream(otherwise=error(529, "overloaded_error"))
    asyncio.get_running_loop().call_later(seconds, setattr, upstream, "otherwise", answer())
    return upstream


@pytest.mark.parametrize(("calls", "seconds"), [(1, 1.4), (10, 1.4), (40, 1.4), (40, 2.0)])
async def test_calls_at_once_outlast_a_short_outage_of_the_only_route(calls, seconds, started) -> None:
    async with started(outage(seconds), retry=DEFAULT) as bench:
        got = await asyncio.gather(*(bench.message() for _ in range(calls)))
        assert [one.status for one in got] == [200] * calls
        assert len(bench.sends) <= 4 * calls


async def test_repeats_beyond_the_pace_wait_for_their_turn(started, monkeypatch) -> None:
    monkeypatch.setattr("claude_sidecar.clock.chance", lambda: 0.0)
    upstream = ScriptedUpstream([error(529)] * 5, otherwise=error(400))
    async with started(upstream, retry=ONE_A_SECOND) as bench:
        await asyncio.gather(*(bench.message() for _ in range(5)))
        assert [round(each.at, 1) for each in bench.sends] == [0, 0, 0, 0, 0, 0, 1, 2, 3, 4]
        waits = [call["waits"] for call in await bench.admin_json("/requests")]
        assert sorted(round(wait["seconds"]) for one in waits for wait in one) == [1, 2, 3, 4]


async def test_recovery_is_not_metered(started, monkeypatch) -> None:
    """Each second with a success halves the distances: 20 turns of a second each are over in about 5."""
    monkeypatch.setattr("claude_sidecar.clock.chance", lambda: 0.0)
    async with started(outage(0.5), retry=ONE_A_SECOND) as bench:
        got = await asyncio.gather(*(bench.message() for _ in range(20)))
        assert [one.status for one in got] == [200] * 20
        assert now() < 7


async def test_a_turn_later_than_backoff_max_is_not_waited_for_and_leaves_it_to_the_sdk(started) -> None:
    upstream = ScriptedUpstream(otherwise=error(529))
    retry = ONE_A_SECOND | {"backoff": {"initial": "1s", "max": "10s"}}
    async with started(upstream, retry=retry) as bench:
        got = await asyncio.gather(*(bench.message() for _ in range(20)))
        at_once = [one for one in got if one.header("x-claude-sidecar-attempts") == "1"]
        assert len(at_once) >= 9
        assert {one.header("x-should-retry") for one in at_once} == {None}


async def test_a_caller_that_leaves_gives_its_turn_to_the_next(started, monkeypatch) -> None:
    monkeypatch.setattr("claude_sidecar.clock.chance", lambda: 0.0)
    upstream = ScriptedUpstream([error(529)] * 3, otherwise=answer())
    async with started(upstream, retry=ONE_A_SECOND) as bench, connected(bench.port) as leaving:
        first = asyncio.ensure_future(bench.message())
        await asyncio.sleep(0.2)
        await leaving.send(request_bytes(body=message_body()))
        await asyncio.sleep(0.2)
        last = asyncio.ensure_future(bench.message())
        await asyncio.sleep(0.2)
        leaving.abort()
        assert {(await first).status, (await last).status} == {200}
        assert now() < 1.2


async def test_budget_is_a_share_of_calls_over_ten_seconds(started) -> None:
    upstream = ScriptedUpstream(otherwise=error(529, "overloaded_error"))
    retry = {"maxAttempts": 2, "budget": {"percent": 50, "minPerSecond": 0}}
    async with started(upstream, retry=retry) as bench:
        for _ in range(10):
            await bench.message()
        assert len(upstream.requests) == 15


async def test_a_turn_that_came_and_is_not_used_is_given_back(started, tmp_path) -> None:
    """The key is gone when the wait is over; ten calls pay for one repeat in ten seconds."""
    key = tmp_path / "key"
    key.write_text("sk-ant-api03-own")
    upstream = ScriptedUpstream([answer()] * 10 + [error(529)] * 2, otherwise=answer())
    retry = DEFAULT | {"maxAttempts": 2, "budget": {"percent": 10, "minPerSecond": 0}}
    async with started(upstream, retry=retry, routes=[{"credential": {"file": str(key)}}]) as bench:
        for _ in range(10):
            await bench.message()
        unlucky = asyncio.ensure_future(bench.message())
        await asyncio.sleep(0.5)
        key.unlink()
        assert (await unlucky).status == 529
        key.write_text("sk-ant-api03-own")
        await asyncio.sleep(1.1)
        began = now()
        assert (await bench.message()).status == 200
        assert (len(upstream.requests), now() - began < 3) == (13, True)

"""Names apart, addresses raced, a warm connection a route, pooled per credential."""

import asyncio
import json

import pytest
from support.fakes.dead_address import dead_address
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_resolver import FAILS, NO_NAME, Late, ScriptedResolver, Silent
from support.fakes.scripted_upstream import Close, ScriptedUpstream
from support.fakes.wire_bytes import answer, message_body

from claude_sidecar import clock

pytestmark = pytest.mark.looptime

API = "api.example.com"
OTHER = "other.example.com"


def named(upstream: ScriptedUpstream, host: str) -> dict[str, str]:
    """An endpoint at a running upstream, by name."""
    return {"endpoint": f"http://{host}:{upstream.port}", "insecure": "Allow"}


async def timed(bench) -> tuple[int, float]:
    """The status of one call and how long its answer took, in seconds."""
    before = clock.now()
    async with connected(bench.port) as app:
        await app.send(request_bytes(body=message_body()))
        got = await app.receive()
    return got.status, round(clock.now() - before, 2)


async def test_dead_first_address_costs_a_quarter_of_a_second_and_a_cold_call_one_answer_a_family(
    started,
) -> None:
    upstream = ScriptedUpstream(otherwise=answer())
    async with upstream.running():
        with dead_address("127.0.0.2", upstream.port):
            resolver = ScriptedResolver({API: ["127.0.0.2", "127.0.0.1"]})
            routes = [named(upstream, API)]
            async with started(ScriptedUpstream(), routes=routes, resolver=resolver) as bench:
                assert await timed(bench) == (200, 0.25)
                assert await timed(bench) == (200, 0)
    assert sorted(resolver.asked) == [f"A {API}", f"AAAA {API}"]
    assert upstream.requests[0].header(b"host") == f"{API}:{upstream.port}".encode()


@pytest.mark.parametrize("says", [Silent(), FAILS, NO_NAME, Late(60, ["127.0.0.1"])])
async def test_of_two_routes_the_one_with_a_name_answers_every_call(says, started, caplog) -> None:
    good = ScriptedUpstream(otherwise=answer())
    async with good.running():
        resolver = ScriptedResolver({API: says, OTHER: ["127.0.0.1"]})
        routes = [named(good, API), named(good, OTHER)]
        idle = (ScriptedUpstream(), ScriptedUpstream())
        async with started(*idle, routes=routes, resolver=resolver, timeouts={"connect": "2s"}) as bench:
            calls = await asyncio.gather(*(timed(bench) for _ in range(40)))
            assert {status for status, _ in calls} == {200}
            assert max(seconds for _, seconds in calls) <= 2.1
            for _ in range(20):
                assert await timed(bench) == (200, 0)
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []


async def test_silent_name_of_a_later_route_delays_no_call_of_the_first(started) -> None:
    upstream = ScriptedUpstream([answer(529)], otherwise=answer())
    async with upstream.running():
        resolver = ScriptedResolver({API: ["127.0.0.1"], OTHER: Silent()})
        routes = [named(upstream, API), named(upstream, OTHER)]
        idle = (ScriptedUpstream(), ScriptedUpstream())
        async with started(*idle, routes=routes, resolver=resolver) as bench:
            waiting = asyncio.ensure_future(timed(bench))
            await asyncio.sleep(1)
            assert await asyncio.gather(*(timed(bench) for _ in range(20))) == [(200, 0)] * 20
            assert await waiting == (200, 5)


async def test_calls_go_on_while_the_name_server_is_silent(started) -> None:
    upstream = ScriptedUpstream(otherwise=[answer(), Close()])
    async with upstream.running():
        resolver = ScriptedResolver({API: ["127.0.0.1"]})
        async with started(ScriptedUpstream(), routes=[named(upstream, API)], resolver=resolver) as bench:
            assert await timed(bench) == (200, 0)
            resolver.records[API] = Silent()
            for _ in range(10):
                await asyncio.sleep(300)
                status, seconds = await timed(bench)
                assert (status, seconds <= 0.5) == (200, True)


async def test_failed_connect_has_the_next_attempt_of_the_same_call_look_again(started) -> None:
    upstream = ScriptedUpstream(otherwise=answer())
    async with upstream.running():
        resolver = ScriptedResolver({API: ["127.0.0.4"]})
        backoff = {"backoff": {"initial": "1s", "max": "1s"}}
        routes = [named(upstream, API)]
        async with started(ScriptedUpstream(), routes=routes, resolver=resolver, retry=backoff) as bench:
            moving = asyncio.get_running_loop().call_later(
                0.001, resolver.records.update, {API: ["127.0.0.1"]}
            )
            got = await bench.message()
            assert moving.when() < clock.now()
            assert (got.status, got.header("x-claude-sidecar-attempts")) == (200, "2")


async def test_warm_connection_is_there_for_a_call_minutes_later_and_goes_with_the_drain(started) -> None:
    upstream = ScriptedUpstream([[answer(), Close()]], otherwise=answer())
    async with started(upstream) as bench:
        await bench.message()
        await asyncio.sleep(200)
        before = upstream.connections
        assert (await bench.message()).status == 200
        assert upstream.connections == before
        assert await bench.sidecar.drain()
        await asyncio.sleep(200)
        assert upstream.connections == before


async def test_shortage_of_files_ends_no_look_up_and_keeps_routes_warm_afterwards(
    started, monkeypatch
) -> None:
    upstream = ScriptedUpstream([[answer(), Close()]], otherwise=answer())
    async with upstream.running():
        resolver = ScriptedResolver({API: Late(3.0, ["127.0.0.1"])})
        async with started(ScriptedUpstream(), routes=[named(upstream, API)], resolver=resolver) as bench:
            monkeypatch.setattr("claude_sidecar.proxy.sidecar.files_are_spent", lambda: True)
            assert await timed(bench) == (200, 3)
            monkeypatch.undo()
            await asyncio.sleep(10)
            assert (upstream.connections, upstream.open) == (2, 1)


async def test_callers_with_different_keys_share_no_connection(started) -> None:
    upstream = ScriptedUpstream(otherwise=answer())
    async with started(upstream) as bench:
        for key in (b"sk-ant-api03-one", b"sk-ant-api03-two", b"sk-ant-api03-one", b"sk-ant-api03-two"):
            await bench.ask(request_bytes(key=key, body=message_body()))
        assert [request.connection for request in upstream.requests] == [0, 1, 0, 1]


async def test_routes_with_different_keys_share_no_connection(started) -> None:
    upstream = ScriptedUpstream([answer(529), answer(), answer(529), answer()])
    async with upstream.running():
        endpoint = {"endpoint": f"http://127.0.0.1:{upstream.port}"}
        routes = [endpoint, endpoint | {"credential": {"env": "SECOND"}}]
        environ = {"SECOND": "sk-ant-api03-second"}
        idle = (ScriptedUpstream(), ScriptedUpstream())
        async with started(*idle, routes=routes, environ=environ) as bench:
            for _ in range(2):
                assert (await bench.message()).status == 200
    assert [request.connection for request in upstream.requests] == [0, 1, 0, 1]


async def test_own_error_names_the_addresses_and_the_cause(started) -> None:
    routes = [{"endpoint": f"http://{API}:9", "insecure": "Allow"}]
    resolver = ScriptedResolver({API: ["127.0.0.4"]})
    async with started(
        ScriptedUpstream(), routes=routes, resolver=resolver, retry={"maxAttempts": 1}
    ) as bench:
        message = json.loads((await bench.message()).body)["error"]["message"]
    assert f"no connection to {API}:9 at 127.0.0.4: Connection refused" in message

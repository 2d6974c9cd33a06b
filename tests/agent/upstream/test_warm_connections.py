"""A connection is ready for routes in use: made again when lost, not for long, not at any cost."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

import pytest
from support.fakes.scripted_upstream import Close, Hang, Pause, Reset, ScriptedUpstream
from support.fakes.wire_bytes import answer

from claude_sidecar.upstream.failure import ConnectionDied

pytestmark = pytest.mark.looptime


@contextlib.asynccontextmanager
async def kept(line) -> AsyncIterator[None]:
    """Warm connections are looked after."""
    keeping = asyncio.ensure_future(line.transport.keep_warm())
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def exchange(line, account: bytes = b"a") -> int:
    """The number of the connection that a send goes over."""
    await line.body(await line.send(account=account))
    return line.upstream.requests[-1].connection


async def test_connection_that_the_upstream_closed_is_there_again_before_the_next_call(lined) -> None:
    async with lined(ScriptedUpstream([[answer(), Pause(5), Close()]], answer())) as line, kept(line):
        await exchange(line)
        await asyncio.sleep(10)
        assert line.upstream.connections == 2
        assert await exchange(line) == 1


async def test_connection_grown_old_is_replaced_for_five_minutes_and_then_no_more(lined) -> None:
    async with lined(ScriptedUpstream(otherwise=answer())) as line, kept(line):
        await exchange(line)
        await asyncio.sleep(299)
        assert line.upstream.open == 1
        assert line.upstream.connections == 6
        await asyncio.sleep(120)
        assert (line.upstream.open, line.upstream.connections) == (0, 6)


async def test_route_that_no_call_used_is_not_dialled(lined) -> None:
    async with lined(ScriptedUpstream()) as line, kept(line):
        await asyncio.sleep(600)
        assert line.upstream.connections == 0


async def test_none_is_added_while_one_is_idle(lined) -> None:
    async with lined(ScriptedUpstream(otherwise=answer())) as line, kept(line):
        for _ in range(5):
            await exchange(line)
            await asyncio.sleep(9.7)
        assert line.upstream.connections == 1


async def test_one_is_ready_while_all_others_are_busy_and_no_second_one(lined) -> None:
    async with lined(ScriptedUpstream(otherwise=[Pause(30), answer()])) as line, kept(line):
        busy = [asyncio.ensure_future(exchange(line)) for _ in range(3)]
        await asyncio.sleep(10)
        assert line.upstream.connections == 4
        await asyncio.gather(*busy, exchange(line))
        assert [request.connection for request in line.upstream.requests] == [0, 1, 2, 3]


async def test_one_is_ready_for_each_credential_in_use_whoever_else_rests(lined) -> None:
    upstream = ScriptedUpstream([[answer(), Pause(5), Close()]], answer())
    async with lined(upstream) as line, kept(line):
        for account in (b"a", b"b"):
            await exchange(line, account)
        await asyncio.sleep(10)
        assert line.upstream.connections == 3
        assert [await exchange(line, account) for account in (b"b", b"a")] == [1, 2]


async def test_however_many_credentials_are_in_use_one_is_enough(lined) -> None:
    async with lined(ScriptedUpstream(otherwise=answer(lines=[("connection", "close")]))) as line, kept(line):
        for number in range(200):
            await exchange(line, b"%d" % number)
        await asyncio.sleep(20)
        assert (line.upstream.connections, line.upstream.open) == (201, 1)


async def test_unused_connection_is_for_any_credential_and_then_for_no_other(lined) -> None:
    async with lined(ScriptedUpstream([[answer(), Close()]], answer())) as line, kept(line):
        await exchange(line, b"a")
        await asyncio.sleep(5.5)
        assert [await exchange(line, account) for account in (b"b", b"a", b"b")] == [1, 2, 1]


async def test_death_of_an_unused_connection_is_that_of_an_idle_one(lined) -> None:
    async with lined(ScriptedUpstream([[answer(), Close()], [Reset()]])) as line, kept(line):
        await exchange(line)
        await asyncio.sleep(5)
        with pytest.raises(ConnectionDied) as died:
            await line.send()
        assert (died.value.before_any_byte, died.value.reused) == (True, True)


@pytest.mark.parametrize(
    "greeting", [[Close()], [Reset()], [Pause(0.2), b"HTTP/1.1 408 Bye\r\n\r\n", Hang()]]
)
async def test_peer_that_closes_each_unused_connection_is_dialled_ever_more_rarely(greeting, lined) -> None:
    async with lined(ScriptedUpstream([[answer(), Close()]])) as line, kept(line):
        await exchange(line)
        line.upstream.greeting = greeting
        await asyncio.sleep(299)
        assert 5 <= line.upstream.connections <= 12


async def test_upstream_that_is_down_is_dialled_ever_more_rarely(lined, monkeypatch) -> None:
    async with lined(ScriptedUpstream([[answer(), Close()]])) as line, kept(line):
        await exchange(line)
        dialled = []

        async def refuse(*_: object) -> None:
            dialled.append(asyncio.get_running_loop().time())
            raise ConnectionRefusedError(111, "Connection refused")

        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", refuse, raising=False)
        await asyncio.sleep(400)
        waits = [round(later - earlier) for earlier, later in itertools.pairwise(dialled)]
        assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_draining_ends_it(lined) -> None:
    async with lined(ScriptedUpstream([[answer(), Close()]], answer())) as line, kept(line):
        await exchange(line)
        line.transport.drain()
        await asyncio.sleep(60)
        assert line.upstream.connections == 1
        assert await exchange(line) == 1


async def test_dial_under_way_ends_with_the_drain(lined, monkeypatch) -> None:
    async with lined(ScriptedUpstream([[answer(), Close()]])) as line, kept(line):
        await exchange(line)
        hung = asyncio.Event()

        async def hang(*_: object) -> None:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                hung.set()

        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", hang, raising=False)
        await asyncio.sleep(3)
        line.transport.drain()
        await asyncio.sleep(0.01)
        assert hung.is_set()

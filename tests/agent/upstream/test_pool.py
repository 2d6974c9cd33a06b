"""Which idle connection a call gets: never another credential's, never an old one, the newest first."""

import asyncio

import pytest
from support.fakes.scripted_upstream import Close, Pause, ScriptedUpstream
from support.fakes.wire_bytes import answer

pytestmark = pytest.mark.looptime


async def exchange(line, account: bytes = b"a") -> int:
    """The number of the connection that a send goes over."""
    await line.body(await line.send(account=account))
    return line.upstream.requests[-1].connection


async def test_connection_that_carried_one_credential_carries_no_other(lined) -> None:
    async with lined(ScriptedUpstream(otherwise=answer())) as line:
        assert [await exchange(line, account) for account in (b"a", b"b", b"a", b"b", b"c")] == [
            0,
            1,
            0,
            1,
            2,
        ]


async def test_connection_idle_for_long_is_closed_the_others_are_used(lined) -> None:
    async with lined(ScriptedUpstream(otherwise=answer())) as line:
        await exchange(line, b"a")
        await asyncio.sleep(30)
        await exchange(line, b"b")
        await asyncio.sleep(30)
        assert await exchange(line, b"b") == 1
        assert await exchange(line, b"a") == 2
        await asyncio.sleep(0.01)
        assert line.upstream.open == 2


async def test_connection_that_speaks_while_idle_is_dropped(lined) -> None:
    async with lined(
        ScriptedUpstream([[answer(), Pause(5), b"HTTP/1.1 408 Too Late\r\n\r\n"]], answer())
    ) as line:
        assert await exchange(line) == 0
        await asyncio.sleep(10)
        assert await exchange(line) == 1


async def test_connection_that_was_closed_while_idle_is_forgotten(lined) -> None:
    async with lined(ScriptedUpstream([[answer(), Pause(5), Close()]], answer())) as line:
        await exchange(line)
        await asyncio.sleep(10)
        assert await exchange(line) == 1


async def test_of_too_many_idle_connections_the_oldest_is_closed(lined) -> None:
    async with lined(ScriptedUpstream(otherwise=answer())) as line:
        for number in range(130):
            await exchange(line, b"%d" % number)
        await asyncio.sleep(0.01)
        assert line.upstream.open == 128
        assert await exchange(line, b"129") == 129
        assert await exchange(line, b"0") == 130

"""The race for an address, over real sockets: dead, refusing and live addresses of loopback."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from support.fakes.dead_address import dead_address
from support.fakes.scripted_resolver import addresses

from claude_sidecar import clock
from claude_sidecar.upstream.address import AddressInfo
from claude_sidecar.upstream.race import race

pytestmark = pytest.mark.looptime

DEAD, LIVE, REFUSING, ALIVE_TOO = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"


@pytest.fixture
def port() -> Iterator[int]:
    """One port: DEAD swallows, LIVE and ALIVE_TOO take connections, REFUSING does not."""
    with dead_address(DEAD) as port, socket.socket() as live, socket.socket() as alive_too:
        for sock, ip in ((live, LIVE), (alive_too, ALIVE_TOO)):
            sock.bind((ip, port))
            sock.listen()
        yield port


def infos(port: int, *ips: str) -> list[AddressInfo]:
    return [address.info(port) for address in addresses(*ips)]


async def winner(first: list[AddressInfo], owed=None, late=list) -> tuple[str, float]:
    """Who took us, and after how many seconds."""
    before = clock.now()
    with await race(first, owed, late) as sock:
        ip: str = sock.getpeername()[0]
    return ip, round(clock.now() - before, 2)


@pytest.mark.parametrize(
    ("ips", "won", "after"),
    [
        ([LIVE], LIVE, 0),
        ([LIVE, DEAD], LIVE, 0),
        ([DEAD, LIVE], LIVE, 0.25),
        ([DEAD, DEAD, LIVE], LIVE, 0.5),
        ([REFUSING, LIVE], LIVE, 0),
        ([REFUSING] * 7 + [LIVE], LIVE, 0),
        ([DEAD, REFUSING, LIVE], LIVE, 0.25),
    ],
)
async def test_next_address_comes_after_a_quarter_of_a_second_or_with_a_refusal(
    ips, won, after, port
) -> None:
    assert await winner(infos(port, *ips)) == (won, pytest.approx(after, abs=0.02))


async def test_all_refusing_is_a_failure_at_once(port) -> None:
    with pytest.raises(ConnectionRefusedError):
        await winner(infos(port, REFUSING, REFUSING))
    assert clock.now() < 0.1


async def test_late_addresses_come_in_after_the_delay_and_not_before(port) -> None:
    owed = asyncio.ensure_future(clock.sleep(0.1))
    assert await winner(infos(port, DEAD), owed, lambda: infos(port, LIVE)) == (LIVE, 0.25)
    owed = asyncio.ensure_future(clock.sleep(2))
    assert await winner(infos(port, DEAD), owed, lambda: infos(port, LIVE)) == (LIVE, 2.0)
    owed = asyncio.ensure_future(clock.sleep(2))
    assert await winner(infos(port, LIVE), owed, lambda: infos(port, ALIVE_TOO)) == (LIVE, 0)


async def test_refused_race_waits_but_a_moment_for_addresses_that_are_owed(port) -> None:
    owed = asyncio.ensure_future(clock.sleep(0.2))
    assert await winner(infos(port, REFUSING), owed, lambda: infos(port, LIVE)) == (LIVE, 0.2)
    before, owed = clock.now(), asyncio.ensure_future(clock.sleep(60))
    with pytest.raises(ConnectionRefusedError):
        await winner(infos(port, REFUSING), owed)
    assert clock.now() - before == pytest.approx(0.25, abs=0.02)
    owed.cancel()


async def test_race_that_is_left_leaves_no_socket_whenever_that_is(port) -> None:
    """Sockets that are left open are told as errors by pytest; loops in steps find every place to stop."""
    for steps in range(25):
        owed = asyncio.ensure_future(clock.sleep(0.1))
        racing = asyncio.ensure_future(race(infos(port, REFUSING, LIVE), owed, lambda: infos(port, LIVE)))
        for _ in range(steps):
            await asyncio.sleep(0)
        racing.cancel()
        for sock in await asyncio.gather(racing, return_exceptions=True):
            if isinstance(sock, socket.socket):
                sock.close()
        await asyncio.gather(owed, return_exceptions=True)


@pytest.mark.parametrize("after", [0.0, 0.1, 0.3, 0.6, 2.0])
async def test_dead_addresses_that_are_left_are_given_up(after, port) -> None:
    racing = asyncio.ensure_future(race(infos(port, *[DEAD] * 8), None, list))
    await asyncio.sleep(after)
    racing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await racing
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == {asyncio.current_task()}

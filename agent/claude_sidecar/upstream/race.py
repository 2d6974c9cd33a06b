"""Connects to whichever of a name's addresses answers first (RFC 8305, "Happy Eyeballs")."""

import asyncio
import socket
from collections.abc import Callable, Sequence

from aiohappyeyeballs import start_connection

from claude_sidecar.upstream.address import AddressInfo

ATTEMPT_DELAY_S = 0.25
"""How long the next address waits for the one before it: what RFC 8305 section 5 recommends."""


async def race(
    first: Sequence[AddressInfo],
    owed: "asyncio.Future[None] | None",
    late: Callable[[], Sequence[AddressInfo]],
) -> socket.socket:
    """A connected socket, from the first address that takes us. Raises OSError when none does.

    first: addresses in the order in which they are tried; owed: done when the name server has told the
    rest, None if it has; late: asked for that rest then. The race itself is aiohappyeyeballs', as in
    aiohttp: a loop's create_connection would look the name up by itself, and uvloop's knows no race.
    """
    early = asyncio.ensure_future(_start(first))
    racing = {early} if owed is None else {early, asyncio.ensure_future(_join(early, owed, late))}
    running = set(racing)
    try:
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                if one.exception() is None:
                    racing.discard(one)
                    return one.result()
        return early.result()
    finally:
        # Not waited for: who is cancelled meanwhile would lose the winner's socket.
        for loser in racing:
            _leave(loser)


async def _start(addresses: Sequence[AddressInfo]) -> socket.socket:
    try:
        # They come in their order, families in turn: the library need not interleave them again.
        return await start_connection(addresses, happy_eyeballs_delay=ATTEMPT_DELAY_S, interleave=0)
    except RuntimeError as error:  # uvloop's, of a socket that it can't use
        raise OSError(str(error)) from None


async def _join(
    early: "asyncio.Future[socket.socket]",
    owed: "asyncio.Future[None]",
    late: Callable[[], Sequence[AddressInfo]],
) -> socket.socket:
    """Late addresses wait for their turn like all others; where the early ones failed, not for long."""
    await asyncio.wait((early,), timeout=ATTEMPT_DELAY_S)
    await asyncio.wait((early, owed), return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait((owed,), timeout=ATTEMPT_DELAY_S)
    addresses = late()
    if not addresses:
        raise OSError("the name has no other addresses")
    return await _start(addresses)


def _leave(loser: "asyncio.Task[socket.socket]") -> None:
    """End it; it may have connected in the same moment."""
    loser.cancel()
    loser.add_done_callback(_close_socket)


def _close_socket(loser: "asyncio.Task[socket.socket]") -> None:
    if not loser.cancelled() and loser.exception() is None:
        loser.result().close()

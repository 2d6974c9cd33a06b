"""The only place in the engine where time and chance come from."""

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Callable, Iterator

import uvloop

GRAIN_S = 0.001
"""An event loop may call a timer early by its clock's grain."""


def _loops_time() -> float:
    loop = asyncio.get_running_loop()
    return time.monotonic() if isinstance(loop, uvloop.Loop) else loop.time()


now: Callable[[], float] = _loops_time
"""Seconds on the running event loop's clock; tests make it virtual.

uvloop rounds its clock to milliseconds, too coarse for what we add to a call; it counts from where
`time.monotonic` does, so that stands in for it.
"""


def only_uvloop() -> None:
    """From now on no other loop runs in this process: `now` is read without a call of ours in between."""
    global now
    now = time.monotonic


unix_ns: Callable[[], int] = time.time_ns
"""Wall time in nanoseconds."""

chance: Callable[[], float] = random.random
"""A number in [0, 1)."""


@contextlib.contextmanager
def played(loops_time: Callable[[], float], began_unix_ns: int, drawn: Callable[[], float]) -> Iterator[None]:
    """While it lasts, one loop runs in this process, whose time is virtual; chance comes from elsewhere.

    loops_time: seconds on its clock; began_unix_ns: wall time at that clock's zero; drawn: gives a number in
    [0, 1).
    """
    global now, unix_ns, chance
    kept = now, unix_ns, chance
    now, unix_ns, chance = loops_time, lambda: began_unix_ns + int(loops_time() * 1e9), drawn
    try:
        yield
    finally:
        now, unix_ns, chance = kept


async def sleep(seconds: float) -> None:
    """Wait on the event loop's clock.

    Loops wake timers early by their clock's grain, so a wait below it may pass no time at all, and whoever
    waits again for the rest would spin.
    """
    await asyncio.sleep(max(seconds, GRAIN_S) if seconds > 0 else 0)


async def sleep_until_woken(seconds: float, woken: asyncio.Event) -> None:
    """Wait on the event loop's clock, or until the event, whichever comes first."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await woken.wait()


def secret_bytes(count: int) -> bytes:
    """Bytes that nobody can foresee, for keys."""
    return secrets.token_bytes(count)


def random_hex(digits: int) -> str:
    """Random hex digits, for ids."""
    return f"{random.getrandbits(digits * 4):0{digits}x}"

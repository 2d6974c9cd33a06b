"""Reads that may hang: a volume that is away, a pipe that nobody writes to. Each has a bound."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

FILE_BOUND_S = 5.0
STDIN_BOUND_S = 20.0
"""A person may be about to paste the key."""

_T = TypeVar("_T")


class ReadHangs(Exception):
    """Nothing was read within the bound; the message says so."""


async def bounded_read(readers: Executor, bound_s: float, read: Callable[..., _T], *given: Any) -> _T:
    """What `read(*given)` returns, run by one of the readers.

    A read cannot be broken off: its thread is left behind, and must hold up nobody's end. Raises ReadHangs.
    """
    reading = asyncio.wrap_future(readers.submit(read, *given))
    try:
        async with asyncio.timeout(bound_s):
            return await reading
    except TimeoutError:
        raise ReadHangs(f"nothing could be read within {bound_s:g} s") from None

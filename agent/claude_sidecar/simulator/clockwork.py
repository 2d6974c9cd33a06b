"""Time and chance for the simulator: loop time for waits, one wall clock for headers, a seed for dice."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate
from hashlib import blake2b


class Clock:
    """Seconds since the simulator began, and the wall clock that belongs to them.

    *wall* gives Unix seconds; it is read once, then moves with the loop's time, so that headers agree with
    waits also where the loop's time is virtual.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._wall_then = wall()

    def now(self) -> float:
        """Seconds since this clock was made."""
        return self._loop.time() - self._began

    def wall(self) -> float:
        """Unix seconds."""
        return self._wall_then + self.now()

    def rfc3339(self, ahead_s: float = 0.0) -> str:
        """The wall clock *ahead_s* seconds from now, as the rate-limit headers write it."""
        return datetime.fromtimestamp(self.wall() + ahead_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def http_date(self) -> str:
        """The wall clock as in a `date` header."""
        return formatdate(self.wall(), usegmt=True)


def chance(seed: int, *about: object) -> float:
    """A number in [0, 1) that depends on the seed and on what it is about, and on nothing else."""
    return int.from_bytes(_digest(seed, about)[:8], "big") / 2.0**64


def pick(seed: int, low: int, high: int, *about: object) -> int:
    """A whole number in low..high, chosen as by `chance`."""
    return low + int(chance(seed, *about) * (high - low + 1))


_LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def token(prefix: str, seed: int, *about: object) -> str:
    """An identifier such as `msg_01...` with 22 characters that look random and are not."""
    number = int.from_bytes(_digest(seed, about), "big")
    letters = []
    for _ in range(22):
        number, index = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[index])
    return f"{prefix}01{''.join(letters)}"


def _digest(seed: int, about: tuple[object, ...]) -> bytes:
    return blake2b(repr((seed, *about)).encode(), digest_size=20).digest()

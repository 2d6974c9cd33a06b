"""The form of a scenario."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.failover.result import Result
from bench.promise.answers import Script

Play = Callable[[int, float], Script]
"""What the n-th request (from 0) to a route gets, so many seconds after the beginning."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One trouble.

    happens: what goes wrong; promised: the right end, in words; right: the same as a test of what came.
    first, second: the routes, None for one on which nobody listens. stream: what kind of call the app makes;
    starts_s: when each of them begins.
    """

    name: str
    happens: str
    promised: str
    first: Play | None
    second: Play | None
    right: Callable[[Result], bool]
    stream: bool = False
    starts_s: tuple[float, ...] = (0.0,)

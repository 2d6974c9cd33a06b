"""Keys to decide about, each once at a time, those that failed later and later."""

import asyncio
import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

from claude_sidecar import clock

FIRST_RETRY_S = 0.2
LONGEST_RETRY_S = 60.0
_CLOCK_GRAIN_S = 0.001
"""An event loop may wake a timer early by its clock's grain: a key that is due so soon is due."""

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """A queue in which a key is at most once, and never worked on twice at the same time."""

    def __init__(self) -> None:
        self._ready: dict[K, float] = {}
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._later: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._failures: dict[K, int] = {}
        self._count = 0
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._ready) + len(self._working)

    def add(self, key: K) -> None:
        """Have a key decided about soon; while it is worked on: once more after that."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._ready:
            self._ready[key] = clock.now()
            self._wake.set()

    def add_later(self, key: K, seconds: float) -> None:
        """Have it decided about in so many seconds, or earlier if something else asks for that."""
        at = clock.now() + seconds
        if self._due.get(key, at + 1) <= at:
            return
        self._due[key] = at
        self._count += 1
        heapq.heappush(self._later, (at, self._count, key))
        self._wake.set()

    async def take(self) -> K:
        """Wait for the next key; `done` or `failed` must follow."""
        while True:
            self._move_due()
            if self._ready:
                key = next(iter(self._ready))
                del self._ready[key]
                self._working.add(key)
                return key
            self._wake.clear()
            wait = self._later[0][0] - clock.now() if self._later else None
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def done(self, key: K) -> None:
        """It was decided about, and what was to be done is done."""
        self._failures.pop(key, None)
        self._finish(key)

    def failed(self, key: K, at_least_s: float = 0.0) -> float:
        """Try again later; returns the seconds until then. at_least_s: what the server asked for."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        wait = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures, 16))
        # Half of it is chance, so that many that failed together do not come back together.
        wait = max(at_least_s, wait / 2 + clock.chance() * wait / 2)
        # Whatever else changed meanwhile waits with it: its failure is most likely not about that.
        self._again.discard(key)
        self._working.discard(key)
        self.add_later(key, wait)
        return wait

    def waiting_s(self) -> float:
        """How long the oldest key has been waiting to be taken."""
        oldest = next(iter(self._ready.values()), None)
        return 0.0 if oldest is None else clock.now() - oldest

    def _finish(self, key: K) -> None:
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _move_due(self) -> None:
        soon = clock.now() + _CLOCK_GRAIN_S
        while self._later and self._later[0][0] <= soon:
            at, _, key = heapq.heappop(self._later)
            if self._due.get(key) == at:
                del self._due[key]
                self.add(key)

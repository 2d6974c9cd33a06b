"""The timers of one exchange on one timer handle: first byte, first delta, idle, stalled, deadline."""

import asyncio
from collections.abc import Callable

from claude_sidecar.upstream.failure import Phase

_GRAIN_S = 0.001
"""An event loop may call a timer early by its clock's grain."""


class ExchangeTimers:
    """Calls `expired` with the phase whose time is up, at most once an exchange.

    The idle timer is not set anew for every byte, nor the stalled one for every event: when it fires too
    early it is set for the rest.
    """

    __slots__ = (
        "_expired",
        "_handle",
        "_loop",
        "deadline_by",
        "first_byte_by",
        "first_delta_by",
        "idle_from",
        "idle_s",
        "stalled_from",
        "stalled_s",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[Phase], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._handle: asyncio.TimerHandle | None = None
        self.clear()

    def clear(self) -> None:
        """No timer runs."""
        self.disarm()
        self.first_byte_by: float | None = None
        self.first_delta_by: float | None = None
        self.deadline_by: float | None = None
        self.idle_s: float | None = None
        self.idle_from: float | None = None
        self.stalled_s: float | None = None
        self.stalled_from: float = 0.0

    def arm(self) -> None:
        """Take changed times into account."""
        self.disarm()
        due = self._next_due()
        if due is not None:
            self._handle = self._loop.call_at(due[0], self._fire)

    def disarm(self) -> None:
        """Stop."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _next_due(self) -> tuple[float, Phase] | None:
        due: list[tuple[float, Phase]] = []
        if self.first_byte_by is not None:
            due.append((self.first_byte_by, Phase.FIRST_BYTE))
        if self.first_delta_by is not None:
            due.append((self.first_delta_by, Phase.FIRST_DELTA))
        if self.deadline_by is not None:
            due.append((self.deadline_by, Phase.DEADLINE))
        if self.idle_s is not None and self.idle_from is not None:
            due.append((self.idle_from + self.idle_s, Phase.IDLE))
        if self.stalled_s is not None:
            due.append((self.stalled_from + self.stalled_s, Phase.STALLED))
        return min(due, default=None)

    def _fire(self) -> None:
        self._handle = None
        due = self._next_due()
        if due is None:
            return
        if self._loop.time() + _GRAIN_S < due[0]:
            self.arm()
        else:
            self._expired(due[1])

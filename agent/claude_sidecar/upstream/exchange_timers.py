"""The three timers of one exchange on one timer handle: first byte, idle, deadline."""

import asyncio
from collections.abc import Callable

from claude_sidecar.upstream.failure import Phase

_GRAIN_S = 0.001
"""An event loop may call a timer early by its clock's grain."""


class ExchangeTimers:
    """Calls `expired` with the phase whose time is up, at most once an exchange.

    The idle timer is not set anew for every byte: when it fires too early it is set for the rest.
    """

    __slots__ = ("_expired", "_handle", "_loop", "deadline_by", "first_byte_by", "idle_from", "idle_s")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[Phase], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._handle: asyncio.TimerHandle | None = None
        self.clear()

    def clear(self) -> None:
        """No timer runs."""
        self.disarm()
        self.first_byte_by: float | None = None
        self.deadline_by: float | None = None
        self.idle_s: float | None = None
        self.idle_from: float | None = None

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
        due: tuple[float, Phase] | None = None
        if self.first_byte_by is not None:
            due = (self.first_byte_by, Phase.FIRST_BYTE)
        if self.deadline_by is not None and (due is None or self.deadline_by < due[0]):
            due = (self.deadline_by, Phase.DEADLINE)
        if self.idle_s is not None and self.idle_from is not None:
            idle_by = self.idle_from + self.idle_s
            if due is None or idle_by < due[0]:
                due = (idle_by, Phase.IDLE)
        return due

    def _fire(self) -> None:
        self._handle = None
        due = self._next_due()
        if due is None:
            return
        if self._loop.time() + _GRAIN_S < due[0]:
            self.arm()
        else:
            self._expired(due[1])

"""The timers of one exchange on one timer handle: first byte, first delta, idle, stalled, deadline."""

import asyncio
from collections.abc import Callable

from claude_sidecar import clock
from claude_sidecar.upstream.failure import Phase


class ExchangeTimers:
    """Calls `expired` with the phase whose time is up, at most once an exchange.

    The handle is not set anew for what is due later than it fires, be it for every byte, for every event or
    for the connection's next exchange: when it fires too early it sets itself for the rest.
    """

    __slots__ = (
        "_expired",
        "_fires_at",
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
        self._fires_at = 0.0
        self.clear()

    def clear(self) -> None:
        """Nothing is due any more."""
        self.first_byte_by: float | None = None
        self.first_delta_by: float | None = None
        self.deadline_by: float | None = None
        self.idle_s: float | None = None
        self.idle_from: float | None = None
        self.stalled_s: float | None = None
        self.stalled_from: float = 0.0

    def begin(self, *, deadline_by: float | None, first_delta_by: float | None, idle_s: float | None) -> None:
        """An exchange begins."""
        self.clear()
        self.deadline_by, self.first_delta_by, self.idle_s = deadline_by, first_delta_by, idle_s
        self.arm()

    def head_came(self) -> None:
        """The response has begun."""
        self.first_byte_by = None
        self.idle_from = self._loop.time()
        if self.idle_s is not None:
            self.arm()

    def commit(self, idle_s: float | None, stalled_s: float | None, *, reading: bool) -> None:
        """From the commit on only these two hold; reading: whether bytes are taken in now."""
        now = self._loop.time()
        self.first_byte_by = self.first_delta_by = self.deadline_by = None
        self.idle_s, self.idle_from = idle_s, now if reading else None
        self.stalled_s, self.stalled_from = stalled_s, now
        self.arm()

    def arm(self) -> None:
        """Take changed times into account."""
        when, _ = self._next_due()
        if when is None or (self._handle is not None and self._fires_at <= when):
            return
        if self._handle is not None:
            self._handle.cancel()
        self._fires_at = when
        self._handle = self._loop.call_at(when, self._fire)

    def stop(self) -> None:
        """The connection is gone: nothing is due, and nothing will be."""
        self.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _next_due(self) -> tuple[float | None, Phase]:
        """The first moment at which a time is up, None for never, and whose it is."""
        when, phase = self.deadline_by, Phase.DEADLINE
        if (by := self.first_byte_by) is not None and (when is None or by < when):
            when, phase = by, Phase.FIRST_BYTE
        if (by := self.first_delta_by) is not None and (when is None or by < when):
            when, phase = by, Phase.FIRST_DELTA
        if self.idle_s is not None and self.idle_from is not None:
            by = self.idle_from + self.idle_s
            if when is None or by < when:
                when, phase = by, Phase.IDLE
        if self.stalled_s is not None:
            by = self.stalled_from + self.stalled_s
            if when is None or by < when:
                when, phase = by, Phase.STALLED
        return when, phase

    def _fire(self) -> None:
        self._handle = None
        when, phase = self._next_due()
        if when is None:
            return
        if self._loop.time() + clock.GRAIN_S < when:
            self.arm()
        else:
            self._expired(phase)

"""A circuit breaker: told the time, it counts failures, opens, and later admits one probe at a time."""

from enum import StrEnum

from claude_sidecar.policy.window import TrailingCounts
from claude_sidecar.schema.retry import CircuitBreaker

_PAUSE_S = 60.0
"""Failures farther apart than this are not told as one trouble that lasts."""


class BreakerState(StrEnum):
    """Closed lets all pass, open none, probing waits for the one call it let through."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class Breaker:
    """The state of one route and model, and since when it has failed.

    A probe that succeeds closes the breaker with empty counts; one that fails opens it anew; one that is
    cancelled gives its place to the next. A probe that never reports back gives it up after `open_for_s`.
    While open, an attempt that began before it tripped, or in spite of it, changes nothing by its success.
    """

    __slots__ = ("_counts", "_failed_at", "_failing_since", "limits", "since", "state")

    def __init__(self, limits: CircuitBreaker) -> None:
        self.limits = limits
        self.state = BreakerState.CLOSED
        self.since = 0.0
        self._counts = TrailingCounts(limits.window_s)
        self._failing_since: float | None = None
        self._failed_at = 0.0

    def admits(self, now: float) -> bool:
        """Whether an attempt may pass: always when closed, one probe once `open_for_s` has gone by."""
        if self.state is BreakerState.CLOSED:
            return True
        return now - self.since >= self.limits.open_for_s

    def reported_state(self, now: float) -> BreakerState:
        """State to report: after `open_for_s` an open one reads half-open, even before a probe is sent."""
        return BreakerState.PROBING if self.state is BreakerState.OPEN and self.admits(now) else self.state

    def sent(self, now: float) -> None:
        """An attempt passed; when not closed it is the probe."""
        if self.state is not BreakerState.CLOSED and self.admits(now):
            self.state, self.since = BreakerState.PROBING, now

    def succeeded(self, now: float) -> None:
        """A send ended well."""
        self._failing_since = None
        if self.state is BreakerState.CLOSED:
            self._counts.add(now, first=1)
        elif self.state is BreakerState.PROBING:
            self.state, self.since = BreakerState.CLOSED, now
            self._counts.clear()

    def responded(self, now: float) -> None:
        """An attempt got a 4xx: no verdict on the route's health, but a probe has found it alive."""
        if self.state is BreakerState.PROBING:
            self.succeeded(now)

    def failed(self, now: float) -> None:
        """A send ended in a cause that breaks circuits."""
        if self._failing_since is None or now - self._failed_at > _PAUSE_S:
            self._failing_since = now
        self._failed_at = now
        if self.state is BreakerState.PROBING:
            self.state, self.since = BreakerState.OPEN, now
            return
        self._counts.add(now, first=1, second=1)
        total, failures = self._counts.first, self._counts.second
        if (
            self.state is BreakerState.CLOSED
            and total >= self.limits.min_requests
            and failures * 100 >= total * self.limits.failure_percent
        ):
            self.state, self.since = BreakerState.OPEN, now

    def cancelled(self, now: float) -> None:
        """An attempt was given up by the caller: it tells nothing, but a probe's place is free again."""
        if self.state is BreakerState.PROBING:
            self.state, self.since = BreakerState.OPEN, now - self.limits.open_for_s

    def failing_for_s(self, now: float) -> float | None:
        """For how long nothing but failures has come, in seconds; None where the last send was none."""
        return None if self._failing_since is None else now - self._failing_since

    def recent(self, now: float) -> tuple[int, int]:
        """Sends and failures within the window."""
        self._counts.advance(now)
        return self._counts.first, self._counts.second

    def resize(self, limits: CircuitBreaker) -> None:
        """Take over limits with another window; what was counted in the old one is forgotten."""
        self.limits = limits
        self._counts = TrailingCounts(limits.window_s)

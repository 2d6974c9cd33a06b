"""The retry budget: repeats may be a share of calls, so that an outage is not answered by a storm."""

from claude_sidecar.policy.window import TrailingCounts

WINDOW_S = 10.0


class RetryBudget:
    """Over ten seconds, repeats may be `percent` of calls plus ten times `min_per_s`.

    After Finagle's RetryBudget and Linkerd's; only repeats to a route already tried count.
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = TrailingCounts(WINDOW_S)

    def call(self, now: float) -> None:
        """A call arrived."""
        self._counts.add(now, first=1)

    def spend(self, now: float) -> None:
        """A repeat was sent."""
        self._counts.add(now, second=1)

    def allows(self, now: float, percent: float, min_per_s: float) -> bool:
        """Whether one more repeat fits."""
        self._counts.advance(now)
        allowed = self._counts.first * percent / 100 + WINDOW_S * min_per_s
        return self._counts.second + 1 <= allowed

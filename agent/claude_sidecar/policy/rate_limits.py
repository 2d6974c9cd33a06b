"""Rate limits as values: what a response says of each, whatever its header lines are called."""

from dataclasses import dataclass
from typing import Literal

Limit = Literal["requests", "input-tokens", "output-tokens", "spend", "unknown"]
"""What a 429 hit."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One token bucket: its size, what is left, and the unix time when it is full again.

    Full again is later than when one call fits. Token `remaining` is rounded to thousands by the API
    (docs/claude-api-notes.md, "Rate limits").
    """

    limit: int | None = None
    remaining: int | None = None
    reset_s: float | None = None

    def share_left(self, unix_s: float) -> float | None:
        """The share of it that is left, all of it once it is full again; None where it is not told.

        unix_s: now, wall time.
        """
        if not self.limit or self.remaining is None:
            return None
        if self.reset_s is not None and unix_s >= self.reset_s:
            return 1.0
        return min(1.0, self.remaining / self.limit)


@dataclass(frozen=True, slots=True)
class UnifiedWindow:
    """One window of a subscription's limits: status such as `allowed`, unix reset, share used (0..1)."""

    status: str | None = None
    reset_s: float | None = None
    utilization: float | None = None


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What one response says of all limits; None for a family that it does not name."""

    requests: Bucket | None = None
    input_tokens: Bucket | None = None
    output_tokens: Bucket | None = None
    tokens: Bucket | None = None
    priority_input_tokens: Bucket | None = None
    priority_output_tokens: Bucket | None = None
    fast_input_tokens: Bucket | None = None
    fast_output_tokens: Bucket | None = None
    unified: UnifiedWindow | None = None
    unified_5h: UnifiedWindow | None = None
    unified_7d: UnifiedWindow | None = None
    unified_overage: UnifiedWindow | None = None


BUCKETS = (
    "requests",
    "tokens",
    "input_tokens",
    "output_tokens",
    "priority_input_tokens",
    "priority_output_tokens",
    "fast_input_tokens",
    "fast_output_tokens",
)
"""Fields of `RateLimits` that are buckets, in the order in which they are told."""

NO_LIMITS = RateLimits()

"""A bounded rate, told the time."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """Grants `per_second` on average and `burst` at once, never more than `burst + per_second * t` in t."""

    per_second: float
    burst: float
    tokens: float
    at: float

    @classmethod
    def full(cls, per_second: float, burst: float, now: float) -> "TokenBucket":
        """One that nothing was taken from yet; now: seconds on any clock that only goes forward."""
        return cls(per_second, burst, burst, now)

    def taken(self, now: float) -> tuple["TokenBucket", float]:
        """Take one. Returns the bucket after it, and 0, or the seconds to wait where nothing was taken."""
        passed = max(0.0, now - self.at)
        tokens = min(self.burst, self.tokens + passed * self.per_second)
        after = replace(self, tokens=tokens, at=max(now, self.at))
        if tokens >= 1:
            return replace(after, tokens=tokens - 1), 0.0
        return after, (1 - tokens) / self.per_second

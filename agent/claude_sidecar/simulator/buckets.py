"""Rate limits: token buckets with continuous refill, and the headers that tell their state.

As the API does it: docs/claude-api-notes.md, "Rate limits".
"""

import math
from dataclasses import dataclass

from claude_sidecar.simulator.clockwork import Clock
from claude_sidecar.simulator.errors import ApiError
from claude_sidecar.simulator.keys import Caller
from claude_sidecar.simulator.scenario import Limits


class Bucket:
    """Holds up to *burst_s* seconds' worth of *per_minute*; what is taken may exceed what is there."""

    def __init__(self, per_minute: int, burst_s: float) -> None:
        self.per_minute = per_minute
        self._per_s = per_minute / 60
        self._capacity = max(1.0, self._per_s * burst_s)
        self._level = self._capacity
        self._at = 0.0

    def level(self, now_s: float) -> float:
        """What is there at *now_s*; below zero where more was used than there was."""
        self._level = min(self._capacity, self._level + (now_s - self._at) * self._per_s)
        self._at = now_s
        return self._level

    def take(self, amount: float, now_s: float) -> None:
        """Use *amount*, whether or not it is there."""
        self._level = self.level(now_s) - amount

    def wait_for(self, amount: float, now_s: float) -> float:
        """Seconds until *amount* is there; more than the bucket holds counts as a full one."""
        return max(0.0, (min(amount, self._capacity) - self.level(now_s)) / self._per_s)

    def lacks(self, amount: float, now_s: float) -> bool:
        """Whether *amount* is not there; parts in a million are forgiven, for the sake of rounding."""
        return self.level(now_s) + 1e-6 < amount

    def full_in(self, now_s: float) -> float:
        """Seconds until the bucket is full again."""
        return (self._capacity - self.level(now_s)) / self._per_s


@dataclass(frozen=True, slots=True)
class Family:
    """One header family: its *name* in header names, its *bucket*, whether it counts thousands."""

    name: str
    bucket: Bucket
    tokens: bool

    def headers(self, name: str, clock: Clock) -> list[tuple[str, str]]:
        """`limit`, `remaining` and `reset` under *name*."""
        now = clock.now()
        left = max(0, math.floor(self.bucket.level(now) + 1e-6))
        if self.tokens and self.bucket.per_minute >= 1000:
            left = min(self.bucket.per_minute, round(left / 1000) * 1000)
        prefix = f"anthropic-ratelimit-{name}"
        return [
            (f"{prefix}-limit", str(self.bucket.per_minute)),
            (f"{prefix}-remaining", str(left)),
            (f"{prefix}-reset", clock.rfc3339(math.ceil(self.bucket.full_in(now)))),
        ]


class Account:
    """The limits that one organisation has for one class of models."""

    def __init__(self, limits: Limits) -> None:
        burst = limits.burst_seconds
        self.requests = Family("requests", Bucket(limits.rpm, burst), tokens=False)
        self.input = Family("input-tokens", Bucket(limits.itpm, burst), tokens=True)
        self.output = Family("output-tokens", Bucket(limits.otpm, burst), tokens=True)

    def headers(self, clock: Clock) -> list[tuple[str, str]]:
        """All four families; `tokens` repeats whichever token limit is tightest."""
        now = clock.now()
        tightest = min(self.input, self.output, key=lambda f: f.bucket.level(now) / f.bucket.per_minute)
        named = ((f, f.name) for f in (self.requests, self.input, self.output))
        lines = [line for family, name in named for line in family.headers(name, clock)]
        return lines + tightest.headers("tokens", clock)

    def admit(self, input_tokens: int, clock: Clock) -> None:
        """Take one request and its input tokens; raises `ApiError` 429 with `retry-after`, taking nothing."""
        now = clock.now()
        wanted = ((self.requests, 1), (self.input, input_tokens), (self.output, 1))
        lacking = [(f, amount) for f, amount in wanted if f.bucket.lacks(amount, now)]
        if lacking:
            wait_s = max(1, math.ceil(max(f.bucket.wait_for(amount, now) for f, amount in lacking)))
            family = lacking[0][0]
            raise ApiError(
                429,
                "This request would exceed your organization's rate limit of "
                f"{family.bucket.per_minute:,} {family.name.replace('-', ' ')} per minute",
                headers=(("retry-after", str(wait_s)), *self.headers(clock)),
            )
        self.requests.bucket.take(1, now)
        self.input.bucket.take(input_tokens, now)


class Accounts:
    """Every account met so far, by organisation and pool; a scenario's keys bound how many there are."""

    _KEPT = 10_000

    def __init__(self) -> None:
        self._accounts: dict[tuple[str, str], Account] = {}

    def of(self, caller: Caller, pool: str) -> Account:
        """The account of *caller*'s organisation for the models of *pool*."""
        name = (caller.organization, pool)
        account = self._accounts.get(name)
        if account is None:
            if len(self._accounts) >= self._KEPT:
                self._accounts.pop(next(iter(self._accounts)))
            account = self._accounts[name] = Account(caller.limits)
        return account

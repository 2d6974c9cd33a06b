"""Rate limits as the admin port shows them: what of each is left, the nearest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from claude_sidecar.policy.rate_limits import BUCKETS, Bucket, RateLimits, UnifiedWindow
from claude_sidecar.proxy.route_view import LIMITS_LAST_S, RouteView
from claude_sidecar.telemetry.trouble_states import NearLimit
from claude_sidecar.telemetry.wall_time import iso_of_unix

_MOST = 100

_WINDOWS = ("unified", "unified_5h", "unified_7d", "unified_overage")


@dataclass(frozen=True, slots=True)
class LimitLeft:
    """What the newest response for a model said of one limit.

    group: the model, whose group shares the limit; empty for none. remaining, of: in percent for a
    subscription's windows, which tell no number. used: in percent, None where that is not known any more.
    resets_at, told_at: unix seconds.
    """

    route: str
    group: str
    limit: str
    remaining: int
    of: int | None
    used: float | None
    resets_at: float | None
    told_at: float

    @property
    def near(self) -> NearLimit | None:
        """As one that may be near."""
        if self.used is None:
            return None
        return NearLimit(route=self.route, group=self.group, limit=self.limit, used=self.used)

    def describe(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {
            "route": self.route,
            "group": self.group,
            "limit": self.limit,
            "remaining": self.remaining,
            "of": self.of,
            "nearPercent": None if self.used is None else round(self.used, 1),
            "resetsAt": None if self.resets_at is None else iso_of_unix(self.resets_at),
            "toldAt": iso_of_unix(self.told_at),
        }


def limits_left(routes: RouteView, unix_s: float) -> list[LimitLeft]:
    """The limits of all routes and models, at most a hundred, nearest first; unix_s: now, wall time."""
    found = [
        limit
        for route, model, told_at, limits in routes.limits()
        for limit in _named(route, model, told_at, limits, unix_s)
    ]
    found.sort(key=lambda limit: (-1.0 if limit.used is None else limit.used, limit.told_at), reverse=True)
    return found[:_MOST]


def _named(route: str, model: str, told_at: float, limits: RateLimits, unix_s: float) -> Iterator[LimitLeft]:
    def left(
        field: str, remaining: int, of: int | None, used: float | None, reset_s: float | None
    ) -> LimitLeft:
        name = field.replace("_", "-")
        return LimitLeft(route, model, name, remaining, of, used, reset_s, told_at)

    for field in BUCKETS:
        bucket: Bucket | None = getattr(limits, field)
        if bucket is not None and bucket.remaining is not None:
            share = bucket.share_left(unix_s) if unix_s - told_at <= LIMITS_LAST_S else None
            used = None if share is None else 100 * (1 - share)
            yield left(field, bucket.remaining, bucket.limit, used, bucket.reset_s)
    for field in _WINDOWS:
        window: UnifiedWindow | None = getattr(limits, field)
        if window is not None and window.utilization is not None:
            used = min(100.0, 100 * window.utilization)
            is_over = window.reset_s is not None and unix_s >= window.reset_s
            yield left(field, round(100 - used), 100, 0.0 if is_over else used, window.reset_s)

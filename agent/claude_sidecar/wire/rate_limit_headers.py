"""The rate-limit headers of a response: what is left in which bucket, and which one a 429 hit."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache

from claude_sidecar.policy.classify import SPEND_LIMIT_CODES
from claude_sidecar.policy.rate_limits import NO_LIMITS, Bucket, Limit, RateLimits, UnifiedWindow
from claude_sidecar.wire.headers import HeaderIndex

FARTHEST_RESET_S = 40 * 86_400.0
"""A reset later than this is garbage: the longest window, a month of spend, ends before."""

_FAMILIES = {
    b"anthropic-ratelimit-requests": "requests",
    b"anthropic-ratelimit-input-tokens": "input_tokens",
    b"anthropic-ratelimit-output-tokens": "output_tokens",
    b"anthropic-ratelimit-tokens": "tokens",
    b"anthropic-priority-input-tokens": "priority_input_tokens",
    b"anthropic-priority-output-tokens": "priority_output_tokens",
    b"anthropic-fast-input-tokens": "fast_input_tokens",
    b"anthropic-fast-output-tokens": "fast_output_tokens",
}
_UNIFIED = {
    b"anthropic-ratelimit-unified": "unified",
    b"anthropic-ratelimit-unified-5h": "unified_5h",
    b"anthropic-ratelimit-unified-7d": "unified_7d",
    b"anthropic-ratelimit-unified-overage": "unified_overage",
}
_UNIFIED_NAMES = frozenset(_UNIFIED.values())
_FIELDS = {
    family + b"-" + part: (name, part.decode())
    for table, parts in (
        (_FAMILIES, (b"limit", b"remaining", b"reset")),
        (_UNIFIED, (b"status", b"reset", b"utilization")),
    )
    for family, name in table.items()
    for part in parts
}

_SHORTEST = min(map(len, _FIELDS))
_STATUS = re.compile(rb"[a-z_]{1,32}")
_REJECTED = "rejected"
_NUMBER = re.compile(rb"[0-9]{1,15}(?:\.[0-9]{1,9})?")

# Where several buckets stand at zero and the message names none: a request comes back within moments,
# tokens take longer, so they are what to fix.
_PRECEDENCE: tuple[Limit, ...] = ("output-tokens", "input-tokens", "requests")
_HIT_BY: dict[str, Limit] = {
    "requests": "requests",
    "input_tokens": "input-tokens",
    "output_tokens": "output-tokens",
    "priority_input_tokens": "input-tokens",
    "priority_output_tokens": "output-tokens",
    "fast_input_tokens": "input-tokens",
    "fast_output_tokens": "output-tokens",
}
_WORDS: tuple[tuple[Limit, re.Pattern[str]], ...] = (
    ("output-tokens", re.compile(r"output[ _-]?tokens?")),
    ("input-tokens", re.compile(r"input[ _-]?tokens?|prompt tokens?")),
    ("spend", re.compile(r"\bspend(?:ing)?[ _-](?:limit|cap)|api usage limits?")),
    (
        "requests",
        re.compile(
            # Not "concurrent requests": that is no rate, and what widens a rate does not cure it.
            r"requests?[ _-]per|number of requests|for requests?\b"
        ),
    ),
)


def names_limits(index: HeaderIndex) -> bool:
    """Whether one of an answer's header lines that tell of limits can be read, at least."""
    for name, value in index.items():
        place = _FIELDS.get(name)
        if place is not None and _READ[place[1]](value.strip()) is not None:
            return True
    return False


def parse_rate_limits(headers: Iterable[tuple[bytes, bytes]], now_unix_s: float) -> RateLimits:
    """The limits named in a response's header lines; `NO_LIMITS` if there are none, which is normal.

    now_unix_s: wall time in seconds. A reset in the past counts as now; one farther than 40 days, and
    any value that does not parse, as not given.
    """
    found = _collect(headers)
    if not found:
        return NO_LIMITS
    parsed: dict[str, Bucket | UnifiedWindow] = {}
    for family, parts in found.items():
        reset_s = _reset(parts.get("reset"), now_unix_s)
        if family in _UNIFIED_NAMES:
            status, utilization = _status(parts.get("status")), _number(parts.get("utilization"))
            if status is not None or reset_s is not None or utilization is not None:
                parsed[family] = UnifiedWindow(status, reset_s, utilization)
        else:
            limit, remaining = _count(parts.get("limit")), _count(parts.get("remaining"))
            if limit is not None or remaining is not None or reset_s is not None:
                parsed[family] = Bucket(limit, remaining, reset_s)
    return RateLimits(**parsed) if parsed else NO_LIMITS  # type: ignore[arg-type]  # families by kind


def limit_hit(
    headers: Iterable[tuple[bytes, bytes]], error_code: str | None = None, error_message: str | None = None
) -> Limit:
    """Which limit a 429 hit: by its spend code, else the header family at zero, else its message.

    The message decides only where headers do not: none at zero, or several.
    """
    if error_code in SPEND_LIMIT_CODES:
        return "spend"
    found = _collect(headers)
    at_zero = {
        _HIT_BY[family]
        for family, parts in found.items()
        if family in _HIT_BY and _count(parts.get("remaining")) == 0
    }
    if not at_zero and (tightest := _behind_tokens(found)):
        return tightest
    if len(at_zero) == 1:
        return at_zero.pop()
    said = _limit_in_words(error_message)
    if not at_zero:
        return said or "unknown"
    return said if said in at_zero else next(limit for limit in _PRECEDENCE if limit in at_zero)


def rejected_for_s(headers: Iterable[tuple[bytes, bytes]], now_unix_s: float) -> float | None:
    """How long a subscription's window stays used up; None where none is, or its reset is not told.

    The overall status decides, and where it is missing those of the windows; of several that reject the
    last to reset counts. now_unix_s: by the response's clock.
    """
    limits = parse_rate_limits(headers, now_unix_s)
    overall = limits.unified
    windows = [limits.unified_5h, limits.unified_7d, limits.unified_overage]
    if overall is not None and overall.status is not None:
        if overall.status != _REJECTED:
            return None
        windows.append(overall)
    resets = [window.reset_s for window in windows if window is not None and window.status == _REJECTED]
    known = [reset_s for reset_s in resets if reset_s is not None]
    return max(known) - now_unix_s if known else None


def _collect(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    for name, value in headers:
        # Shorter ones, most lines of most responses, are none of these.
        place = _FIELDS.get(name.lower()) if len(name) >= _SHORTEST else None
        if place is not None:
            found.setdefault(place[0], {})[place[1]] = value.strip()
    return found


def _behind_tokens(found: dict[str, dict[str, bytes]]) -> Limit | None:
    """The kind of tokens behind `anthropic-ratelimit-tokens-*`, which mirrors the tightest one."""
    tokens = found.get("tokens", {})
    limit = _count(tokens.get("limit"))
    if _count(tokens.get("remaining")) != 0 or limit is None:
        return None
    same_input = _count(found.get("input_tokens", {}).get("limit")) == limit
    same_output = _count(found.get("output_tokens", {}).get("limit")) == limit
    if same_input == same_output:
        return None
    return "input-tokens" if same_input else "output-tokens"


def _limit_in_words(message: str | None) -> Limit | None:
    if not message:
        return None
    text = message[:1_000].lower()
    return next((limit for limit, pattern in _WORDS if pattern.search(text)), None)


def _count(value: bytes | None) -> int | None:
    return int(value) if value is not None and len(value) <= 15 and value.isdigit() else None


def _number(value: bytes | None) -> float | None:
    return float(value) if value is not None and _NUMBER.fullmatch(value) else None


def _status(value: bytes | None) -> str | None:
    return value.decode() if value is not None and _STATUS.fullmatch(value) else None


def _reset(value: bytes | None, now_unix_s: float) -> float | None:
    at = _moment(value) if value is not None else None
    return max(at, now_unix_s) if at is not None and at <= now_unix_s + FARTHEST_RESET_S else None


def _moment(value: bytes) -> float | None:
    """RFC 3339 (the documented families) or epoch seconds (the unified ones)."""
    if len(value) > 40:
        return None
    at = None if value[4:5] == b"-" else _number(value)
    return _unix_s(value) if at is None else at


@lru_cache(maxsize=64)
def _unix_s(date: bytes) -> float | None:
    """The families of one response, and responses of one second, often name the same moment."""
    try:
        moment = datetime.fromisoformat(date.decode("ascii"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


_READ: dict[str, Callable[[bytes], object]] = {
    "limit": _count,
    "remaining": _count,
    "reset": _moment,
    "status": _status,
    "utilization": _number,
}
"""By the last word of a header's name."""

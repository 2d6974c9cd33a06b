"""Header lines about trying again: `retry-after`, `x-should-retry`, when a window resets."""

import math
from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime

from claude_sidecar.policy.outcome import NO_HINTS, RetryHints
from claude_sidecar.wire.rate_limit_headers import rejected_for_s

_TOO_MANY = 429
_LONGEST_S = 4_294_967.0
"""No response's wait is read as longer; the newest Python SDK caps there too."""


def read_retry_hints(headers: Sequence[tuple[bytes, bytes]], status: int, unix_s: float) -> RetryHints:
    """Read what a response's headers say; what does not parse counts as not said.

    headers: name and value of each line. unix_s: wall time here, for dates of a response without `Date`:
    by its own clock a date says how long to wait even where ours is wrong (RFC 9110 section 10.2.3).
    `retry-after-ms` is the finer one and wins, as in the official SDKs. A 429 of a subscription whose
    window is used up counts as one that names the window's reset.
    """
    after_line: bytes | None = None
    after_ms: float | None = None
    should: bool | None = None
    for name, value in headers:
        size = len(name)
        if size == 11 and name.lower() == b"retry-after":
            after_line = value
        elif size == 4 and name.lower() == b"date":
            unix_s = _date(value) or unix_s
        elif size == 14:
            lowered = name.lower()
            if lowered == b"retry-after-ms":
                after_ms = _number(value)
            elif lowered == b"x-should-retry":
                should = {b"true": True, b"false": False}.get(value.strip().lower())
    after = _seconds(after_line, unix_s) if after_line is not None else None
    if after_ms is not None:
        after = min(after_ms / 1000, _LONGEST_S)
    if status == _TOO_MANY and (rejected_s := rejected_for_s(headers, unix_s)) is not None:
        after = max(after or 0.0, rejected_s)
    if after is None and should is None:
        return NO_HINTS
    return RetryHints(after, should)


def _number(value: bytes) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _seconds(value: bytes, unix_s: float) -> float | None:
    number = _number(value)
    if number is not None:
        return min(number, _LONGEST_S)
    date = _date(value)
    return min(max(0.0, date - unix_s), _LONGEST_S) if date is not None else None


def _date(value: bytes) -> float | None:
    """An HTTP date in seconds since 1970."""
    try:
        date = parsedate_to_datetime(value.decode("ascii"))
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)  # asctime's form names no zone (RFC 9110 section 5.6.7)
        return date.timestamp()
    except (ValueError, TypeError, OverflowError):
        return None

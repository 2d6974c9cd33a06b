"""What an upstream says about trying again: `retry-after`, `retry-after-ms`, `x-should-retry`."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

_LONGEST_S = 4_294_967.0
"""No answer's wait is read as longer; the newest Python SDK caps there too."""


@dataclass(frozen=True, slots=True)
class UpstreamWord:
    """`retry_after_s` and `should_retry`, None where the answer does not say."""

    retry_after_s: float | None = None
    should_retry: bool | None = None


SILENT = UpstreamWord()


def read_word(headers: Iterable[tuple[bytes, bytes]], unix_s: float) -> UpstreamWord:
    """Read the three headers of an answer; what does not parse counts as not said.

    headers: name and value of each line; unix_s: wall time, for HTTP dates.
    `retry-after-ms` is the finer one and wins, as in the official SDKs.
    """
    after: float | None = None
    after_ms: float | None = None
    should: bool | None = None
    for name, value in headers:
        size = len(name)
        if size == 11 and name.lower() == b"retry-after":
            after = _seconds(value, unix_s)
        elif size == 14:
            lowered = name.lower()
            if lowered == b"retry-after-ms":
                after_ms = _number(value)
            elif lowered == b"x-should-retry":
                should = {b"true": True, b"false": False}.get(value.strip().lower())
    if after_ms is not None:
        after = min(after_ms / 1000, _LONGEST_S)
    if after is None and should is None:
        return SILENT
    return UpstreamWord(after, should)


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
    try:
        date = parsedate_to_datetime(value.decode("ascii"))
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)  # asctime's form names no zone (RFC 9110 section 5.6.7)
        return min(max(0.0, date.timestamp() - unix_s), _LONGEST_S)
    except (ValueError, TypeError, OverflowError):
        return None

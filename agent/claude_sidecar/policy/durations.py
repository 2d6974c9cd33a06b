"""Durations as policies write them (`500ms`, `1m30s`): Go's style, whole numbers only."""

import re

DURATION_PATTERN = "^([0-9]{1,5}(h|m|s|ms)){1,4}$"
"""What a duration looks like; the CRD carries the same pattern."""

DURATION_MAX_LENGTH = 28
"""Four parts of five digits and two letters."""

_PART = re.compile("([0-9]{1,5})(ms|h|m|s)")
_WHOLE = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")
_MILLISECONDS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


def seconds(text: str) -> float:
    """Length of a duration in seconds.

    text: as in a policy. Raises ValueError where it is not of DURATION_PATTERN.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"not a duration: {text[:40]!r}")
    return sum(int(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(text)) / 1000

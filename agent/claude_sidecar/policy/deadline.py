"""The moment by which a call must be committed: the smallest of the policy's and the caller's patience."""

import math
from functools import lru_cache

_MARGIN_S = 0.25
_MARGIN_SHARE = 0.05
_LONGEST_S = 86_400.0 * 365


def deadline_s(arrival_s: float, total_s: float, caller_hints: tuple[bytes | None, ...]) -> float:
    """The deadline on the loop's clock, seconds.

    total_s: `timeouts.total`; caller_hints: values of `x-stainless-timeout` and `x-stainless-read-timeout`
    in seconds; absent or unparsable (the Python SDK sends the text NOT_GIVEN) is normal.
    """
    told_s = callers_timeout_s(caller_hints)
    patience = total_s if told_s is None or total_s < told_s else told_s
    return arrival_s + patience - min(_MARGIN_S, patience * _MARGIN_SHARE)


@lru_cache(maxsize=64)
def callers_timeout_s(caller_hints: tuple[bytes | None, ...]) -> float | None:
    """The smallest of the caller's own time-outs in seconds, None where it tells none.

    An app's calls all tell the same ones, and each is asked for several times.
    """
    shortest = None
    for hint in caller_hints:
        seconds = _positive(hint) if hint is not None else None
        if seconds is not None and (shortest is None or seconds < shortest):
            shortest = seconds
    return shortest


def _positive(hint: bytes) -> float | None:
    try:
        seconds = float(hint)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 < seconds < _LONGEST_S else None

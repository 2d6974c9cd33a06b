"""When a held stream is committed: from then on it is the caller's, and nothing of it is sent again."""

from enum import StrEnum


class CommitReason(StrEnum):
    """What ended the hold of a stream."""

    FIRST_DELTA = "first-delta"
    END = "end"
    HOLD_MAX = "hold-max"
    SIZE = "size"
    HEADERS = "headers"
    DEADLINE = "deadline"


HELD_BYTES = 1 << 20
"""An answer is held up to this size; past it, it is committed as it stands."""


def commit_by(
    deadline_s: float, content_since_s: float | None, hold_max_s: float
) -> tuple[float, CommitReason]:
    """When a held stream that goes on living is committed as it stands, and why then.

    deadline_s: of the call, on the loop's clock; content_since_s: when its first content came, None before;
    hold_max_s: `stream.holdMax`.
    """
    if content_since_s is not None and content_since_s + hold_max_s < deadline_s:
        return content_since_s + hold_max_s, CommitReason.HOLD_MAX
    return deadline_s, CommitReason.DEADLINE

"""When a held stream is opened (its caller gets a head, nothing is committed) and pinged, and when it is
committed: from then on it is the caller's, and nothing of it is sent again.
"""

from enum import StrEnum
from typing import NamedTuple


class CommitReason(StrEnum):
    """What ended the hold of a stream."""

    FIRST_DELTA = "first-delta"
    END = "end"
    HOLD_MAX = "hold-max"
    SIZE = "size"
    HEADERS = "headers"
    DEADLINE = "deadline"


HELD_BYTES = 1 << 20
"""A response is held up to this size; past it, it is committed as it stands."""


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


_PING_SOONEST_S = 0.1


class Opening(NamedTuple):
    """What a policy and its caller's patience say of one call's silence.

    quiet_after_s: `stream.quietAfter`, 0 for never; keep_alive_s: `stream.keepAlive`, 0 for never;
    arrived_s: on the loop's clock; callers_timeout_s: as the caller's SDK tells it, None if it does not.
    """

    quiet_after_s: float
    keep_alive_s: float
    arrived_s: float
    callers_timeout_s: float | None

    def opens_at(self, first_held_s: float, *, has_begun: bool) -> float | None:
        """When the response that is held opens the call, on the loop's clock; None: not by what it is so far.

        first_held_s: when the head of the first stream held in this call came. has_begun: whether the
        response at hand has its `message_start`; a head alone opens nothing before half of the caller's
        time-out.
        """
        if not self.quiet_after_s:
            return None
        quiet = first_held_s + self.quiet_after_s if has_begun else None
        if self.callers_timeout_s is None:
            return quiet
        half = self.arrived_s + self.callers_timeout_s / 2
        return half if quiet is None else min(quiet, half)

    def ping_after_s(self, *, committed: bool) -> float | None:
        """How long nothing is sent before a ping; None for no pings.

        An opened call is kept alive whatever `keepAlive` says: its caller counts on it.
        """
        half = None
        if self.callers_timeout_s is not None:
            half = max(_PING_SOONEST_S, self.callers_timeout_s / 2)
        if self.keep_alive_s:
            return self.keep_alive_s if half is None else min(self.keep_alive_s, half)
        return None if committed else half

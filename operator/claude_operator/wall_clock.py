"""Wall time as certificates count it."""

from datetime import UTC, datetime

from claude_sidecar import clock


def wall_now() -> datetime:
    """The time, to the microsecond."""
    return datetime.fromtimestamp(clock.unix_ns() / 1e9, UTC)

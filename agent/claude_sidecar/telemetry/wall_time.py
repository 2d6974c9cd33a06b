"""Wall time as the admin port tells it."""

from datetime import UTC, datetime

from claude_sidecar.telemetry.record import Timebase


def iso_time(timebase: Timebase, loop_s: float) -> str:
    """Wall time as ISO 8601 in UTC, to the millisecond, at a moment of the loop's clock."""
    return iso_of_unix(timebase.unix_ns_at(loop_s) / 1e9)


def iso_of_unix(unix_s: float) -> str:
    """The same of unix seconds."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds")

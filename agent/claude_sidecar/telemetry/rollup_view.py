"""Rollups as the admin port tells them."""

from claude_sidecar.telemetry.cost import usd_text
from claude_sidecar.telemetry.record import Timebase
from claude_sidecar.telemetry.rollups import MINUTE_S, Windows
from claude_sidecar.telemetry.sheet import DIMENSIONS, Sheet
from claude_sidecar.telemetry.tally import Tally
from claude_sidecar.telemetry.wall_time import iso_time

Json = dict[str, object]


def describe_windows(windows: Windows) -> Json:
    """Counts over the last five minutes, the last hour and since the start, as JSON-able values."""
    named = (("5m", windows.recent), ("1h", windows.hour), ("start", windows.all))
    return {name: _sheet(sheet) for name, sheet in named}


def describe_minutes(windows: Windows, timebase: Timebase) -> list[Json]:
    """The last hour minute by minute, oldest first."""
    return [
        {
            "at": iso_time(timebase, minute.number * MINUTE_S),
            "calls": minute.calls,
            "failed": minute.failed,
            "cured": minute.cured,
        }
        for minute in windows.minutes
    ]


def _sheet(sheet: Sheet) -> Json:
    total = sheet.total
    return {
        **_counts(total),
        "left": total.left,
        "waitedSeconds": round(total.waited_s, 3),
        "cacheReadTokens": total.cache_read_tokens,
        "cacheCreationTokens": total.cache_creation_tokens,
        "unpricedTokens": total.unpriced_tokens,
        "by": {dimension: _rows(sheet.by.get(dimension, {})) for dimension in DIMENSIONS},
    }


def _rows(rows: dict[str, Tally]) -> list[Json]:
    return [{"name": name, **_counts(tally)} for name, tally in rows.items()]


def _counts(tally: Tally) -> Json:
    return {
        "calls": tally.calls,
        "failed": tally.failed,
        "cured": tally.cured,
        "attempts": tally.attempts,
        "inputTokens": tally.input_tokens,
        "outputTokens": tally.output_tokens,
        "costUsd": usd_text(tally.cost_usd),
    }

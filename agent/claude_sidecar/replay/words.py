"""The comparison for the terminal: a table, two charts, what is assumed, the calls that end otherwise."""

import textwrap
from collections.abc import Iterator

from claude_sidecar.replay.chart import ANSWERED, FAILED, chart, clock_time, columns_of
from claude_sidecar.replay.comparison import DIFFERENCES_SHOWN, Comparison
from claude_sidecar.replay.figures import difference_words, rows_of
from claude_sidecar.telemetry.bounds import LINE_CHARS, clean

_CHART_COLUMNS = 60
_DIFFERENCES = 5
_WIDTH = 100


def words_of(comparison: Comparison) -> Iterator[str]:
    """The lines, without what a file brought along to steer the terminal."""
    return (clean(line, LINE_CHARS) for line in _lines(comparison))


def _lines(comparison: Comparison) -> Iterator[str]:
    outage = comparison.outage
    yield from textwrap.wrap(outage.about, _WIDTH)
    yield f"{len(outage.calls):,} calls in {clock_time(outage.lasts_s)}; seed {comparison.seed}"
    yield ""
    yield from _figures(comparison)
    yield ""
    yield from _charts(comparison)
    yield "what is known, and what is assumed:"
    for note in comparison.notes:
        yield from textwrap.wrap(note, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
    yield ""
    yield from _differences(comparison)


def _figures(comparison: Comparison) -> Iterator[str]:
    old, new = (course.snapshot.name for course in comparison.courses)
    rows = [("", old, new), ("", "(old)", "(new)"), *rows_of(comparison)]
    widths = [max(len(row[index]) for row in rows) for index in range(3)]
    for name, first, second in rows:
        yield f"{name:<{widths[0]}}  {first:>{widths[1]}}  {second:>{widths[2]}}".rstrip()


def _charts(comparison: Comparison) -> Iterator[str]:
    found = [columns_of(comparison.outage, course, _CHART_COLUMNS) for course in comparison.courses]
    most = max(1, *(column.calls for columns in found for column in columns))
    span = clock_time(comparison.outage.lasts_s / _CHART_COLUMNS)
    yield f"calls by when they came, {span} a column: {ANSWERED} answered, {FAILED} failed or left"
    for course, columns in zip(comparison.courses, found, strict=True):
        yield course.snapshot.name
        yield from chart(columns, most, comparison.outage.lasts_s)
        yield ""


def _differences(comparison: Comparison) -> Iterator[str]:
    found = comparison.differences()
    yield f"calls that end otherwise: {len(found):,}"
    old, new = (course.snapshot.name for course in comparison.courses)
    for difference in found[:_DIFFERENCES]:
        which, before, after = difference_words(difference)
        yield f"  call {which}"
        yield f"    {old}: {before}"
        yield f"    {new}: {after}"
    if len(found) > _DIFFERENCES:
        yield f"  and {len(found) - _DIFFERENCES:,} more; --json lists up to {DIFFERENCES_SHOWN:,}"

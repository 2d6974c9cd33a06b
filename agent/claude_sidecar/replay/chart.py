"""Calls over time as columns, by when they came: those that were answered, and those that were not."""

from collections.abc import Sequence
from typing import NamedTuple

from claude_sidecar.replay.course import Course
from claude_sidecar.replay.outage import Outage

ANSWERED, FAILED = ":", "#"
_HEIGHT = 8


class Column(NamedTuple):
    """Calls that came within one span: how many were answered, failed, were left by the app."""

    answered: int = 0
    failed: int = 0
    left: int = 0

    @property
    def calls(self) -> int:
        """All of them."""
        return self.answered + self.failed + self.left


def columns_of(outage: Outage, course: Course, count: int) -> list[Column]:
    """The calls in so many spans of equal length."""
    answered, failed, left = [0] * count, [0] * count, [0] * count
    for asked, end in zip(outage.calls, course.ends, strict=True):
        index = min(count - 1, int(asked.at_s / outage.lasts_s * count))
        counted = answered if end.answered else left if end.left else failed
        counted[index] += 1
    return [Column(*column) for column in zip(answered, failed, left, strict=True)]


def chart(columns: Sequence[Column], most: int, lasts_s: float) -> list[str]:
    """The lines of a chart: `:` for answered calls, `#` above them for the others.

    most: calls at its top, one for all charts that are compared; lasts_s: the time at its right end.
    """
    width = len(str(most))
    lines = []
    for row in range(_HEIGHT, 0, -1):
        marks = "".join(_mark(column, row, most) for column in columns)
        label = str(most) if row == _HEIGHT else "0" if row == 1 else ""
        lines.append(f"{label:>{width}} |{marks}".rstrip())
    end = clock_time(lasts_s)
    lines.append(f"{'':{width}} +{'-' * len(columns)}")
    lines.append(f"{'':{width}}  0{end:>{len(columns) - 1}}")
    return lines


def _mark(column: Column, row: int, most: int) -> str:
    """A cell is marked where what it stands for is more than half of it; a failure is never lost."""
    cell = most / _HEIGHT
    reaches = (row - 0.5) * cell
    if column.answered > reaches:
        return ANSWERED
    if column.calls > reaches:
        return FAILED
    alone = column.calls > column.answered and (row - 1.5) * cell < column.answered <= reaches
    return FAILED if alone or (row == 1 and column.calls) else " "


def clock_time(seconds: float) -> str:
    """`14m00s`, `1h05m`, `45s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 60}m{whole % 60:02d}s" if whole >= 60 else f"{seconds:.3g}s"

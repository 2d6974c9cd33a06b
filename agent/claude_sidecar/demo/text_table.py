"""A table in plain text: cells that are too long go on in the line below."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and the most characters that a line of the column has; numbers go to the right."""

    heading: str
    width: int
    number: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, heading first; a column is no wider than what is in it."""
    cells = [[_folded(cell, column) for cell, column in zip(row, columns, strict=True)] for row in rows]
    headings = [_folded(column.heading, column) for column in columns]
    widths = [
        max(len(line) for cell in column for line in cell) for column in zip(headings, *cells, strict=True)
    ]
    yield from _row(headings, columns, widths)
    yield _GAP.join("-" * width for width in widths)
    for row in cells:
        yield from _row(row, columns, widths)


def _folded(text: str, column: Column) -> list[str]:
    return textwrap.wrap(text, column.width, break_on_hyphens=False) or [""]


def _row(cells: Sequence[list[str]], columns: Sequence[Column], widths: Sequence[int]) -> Iterator[str]:
    for number in range(max(map(len, cells))):
        lines = []
        for cell, column, width in zip(cells, columns, widths, strict=True):
            line = cell[number] if number < len(cell) else ""
            lines.append(line.rjust(width) if column.number else line.ljust(width))
        yield _GAP.join(lines).rstrip()

"""The figures: what is measured, its bar, and one row of the table for each."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Rounds = Mapping[str, Sequence[float]]
"""Every round's value of each measured quantity, by its key."""


class Way(StrEnum):
    """How the figure that is judged comes about."""

    SIDECAR = "sidecar"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. key: of the measured quantity, with `.direct` or `.sidecar` behind it.

    way: the sidecar's own value is judged, or what it adds to the direct one. least, most: the bar, None
    where there is none. digits: behind the decimal point.
    """

    key: str
    title: str
    unit: str
    way: Way = Way.SIDECAR
    least: float | None = None
    most: float | None = None
    digits: int = 2


FIGURES = (
    Figure("requests", "requests a second, 32 connections", "1/s", least=3000, digits=0),
    Figure("requests_per_cpu", "the same per second of processor time", "1/s", digits=0),
    Figure("p50", "latency p50, 1 connection", "ms", Way.ADDED, most=0.6, digits=3),
    Figure("p99", "latency p99, 1 connection", "ms", Way.ADDED, digits=3),
    Figure("first_p50", "time to first chunk p50, one stream at a time", "ms", Way.ADDED, digits=3),
    Figure("first_p99", "time to first chunk p99, one stream at a time", "ms", Way.ADDED, most=3, digits=3),
    Figure("lost", "events lost, 256 streams at 50 events/s", "", most=0, digits=0),
    Figure("delay_p50", "event delay p50, 256 streams at 50 events/s", "ms", digits=2),
    Figure("delay_p99", "event delay p99, 256 streams at 50 events/s", "ms", most=20, digits=2),
    Figure("stream_cpu", "processor time for that, of one core", "%", digits=0),
    Figure("rss_idle", "memory (RSS) when ready and idle", "MB", most=70, digits=1),
    Figure("rss_after", "memory (RSS) after these loads", "MB", digits=1),
    Figure("ready", "start until ready", "s", most=1.0, digits=2),
    Figure("rss_rise", "peak memory rise, 8 x 31 MB bodies that fail twice", "MB", most=96, digits=1),
    Figure("bodies_s", "seconds for these 8 calls", "s", digits=1),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A figure as measured: medians over the rounds; spread: the judged value's least and most."""

    figure: Figure
    direct: float | None
    sidecar: float
    value: float
    spread: tuple[float, float]

    @property
    def met(self) -> bool | None:
        """Whether the median meets the bar; None without a bar."""
        least, most = self.figure.least, self.figure.most
        if least is None and most is None:
            return None
        return (least is None or self.value >= least) and (most is None or self.value <= most)

    def cells(self) -> list[str]:
        """The row's cells as text."""
        figure = self.figure
        bar = f">= {figure.least:g}" if figure.least is not None else ""
        bar = f"<= {figure.most:g}" if figure.most is not None else bar
        verdict = {None: "", True: "met", False: "NOT MET"}[self.met]
        added = self._text(self.value) if figure.way is Way.ADDED else ""
        low, high = (self._text(end) for end in self.spread)
        spread = f"{low} .. {high}" if low != high else ""
        direct = self._text(self.direct) if self.direct is not None else ""
        return [figure.title, figure.unit, direct, self._text(self.sidecar), added, spread, bar, verdict]

    def _text(self, value: float) -> str:
        return f"{value:,.{self.figure.digits}f}"


HEADINGS = ["figure", "unit", "direct", "sidecar", "added", "spread", "bar", ""]


def rows(rounds: Rounds) -> list[Row]:
    """A row for each figure that was measured. Rounds are paired: what is added is taken round by round."""
    return [_row(figure, rounds) for figure in FIGURES if f"{figure.key}.sidecar" in rounds]


def _row(figure: Figure, rounds: Rounds) -> Row:
    sidecar = rounds[f"{figure.key}.sidecar"]
    direct = rounds.get(f"{figure.key}.direct")
    judged: Sequence[float] = sidecar
    if figure.way is Way.ADDED:
        assert direct is not None
        judged = [with_it - without for with_it, without in zip(sidecar, direct, strict=True)]
    return Row(
        figure,
        statistics.median(direct) if direct else None,
        statistics.median(sidecar),
        statistics.median(judged),
        (min(judged), max(judged)),
    )


def table(found: Iterable[Row]) -> str:
    """The rows as a Markdown table that is aligned for the terminal too."""
    lines = [HEADINGS, *(row.cells() for row in found)]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(HEADINGS))]
    numeric = range(2, 6)

    def drawn(cells: list[str]) -> str:
        padded = (
            cell.rjust(width) if column in numeric else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = ["-" * (width - 1) + (":" if column in numeric else "-") for column, width in enumerate(widths)]
    return "\n".join([drawn(lines[0]), drawn(rule), *map(drawn, lines[1:])])

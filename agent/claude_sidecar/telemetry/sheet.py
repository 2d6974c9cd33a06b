"""Counts of the calls of some span of time, by what tells calls apart; few rows, whatever callers send."""

from collections.abc import Iterator, Mapping

import msgspec

from claude_sidecar.telemetry.met import ALL
from claude_sidecar.telemetry.names import OTHER
from claude_sidecar.telemetry.tally import Met, Tally

DIMENSIONS = ("key", "model", "status", "route", "feature", "conversation")
MOST_ROWS = 50
"""Of a dimension, besides `_other`."""
_MOST_MET = 128
"""Names that met with something; `_other` and the name of all calls, of which there are few, not counted."""

Names = Mapping[str, str]
"""A name in each dimension; what has none is left out."""


class Sheet(msgspec.Struct, omit_defaults=True):
    """What one span of time comes to.

    Twice as many rows as are kept may stand in a dimension for a while; then those with the fewest calls
    become one, `_other`. So a row that is large now is kept, also where thousands of others came before it.

    by: rows by dimension and name. met: what calls met with, by that, by dimension and by name.
    """

    total: Tally = msgspec.field(default_factory=Tally)
    by: dict[str, dict[str, Tally]] = msgspec.field(default_factory=dict)
    met: dict[str, dict[str, dict[str, Met]]] = msgspec.field(default_factory=dict)

    def count(self, tally: Tally, names: Names) -> None:
        """Count calls that have the same names."""
        self.total.add(tally)
        for dimension, name in names.items():
            self.row(dimension, name).add(tally)

    def row(self, dimension: str, name: str) -> Tally:
        """The counts of a name, to be added to."""
        rows = self.by.setdefault(dimension, {})
        found = rows.get(name)
        if found is None:
            if len(rows) > 2 * MOST_ROWS:
                self.by[dimension] = rows = most_called(rows)
            found = rows[name] = Tally()
        return found

    def meet(self, what: str, dimension: str, name: str) -> Met:
        """The counts of calls of a name that met with something, to be added to."""
        names = self.met.setdefault(what, {}).setdefault(dimension, {})
        found = names.get(name)
        if found is None:
            self._make_room_to_meet()
            found = names.setdefault(name, Met())
        return found

    def add(self, other: "Sheet") -> None:
        """Count what another sheet, of a later time, has counted."""
        self.total.add(other.total)
        for dimension, rows in other.by.items():
            for name, tally in rows.items():
                self.row(dimension, name).add(tally)
        for what, dimensions in other.met.items():
            for dimension, found in dimensions.items():
                for name, met in found.items():
                    self.meet(what, dimension, name).add(met)

    def trim(self) -> None:
        """Keep only as many rows as are kept for long."""
        self.by = {dimension: most_called(rows) for dimension, rows in self.by.items()}

    @property
    def rows(self) -> int:
        """How many rows there are, of all kinds."""
        return sum(map(len, self.by.values())) + sum(1 for _ in self._all_met())

    def _make_room_to_meet(self) -> None:
        """Let one name more be met: of what most names met with, the half with the fewest calls become one.

        So a thousand misspelt models leave room for the one key that is refused after them.
        """
        groups = [names for by in self.met.values() for dimension, names in by.items() if dimension != ALL]
        if sum(len(names) - (OTHER in names) for names in groups) < _MOST_MET:
            return
        names = max(groups, key=len)
        rest = names.pop(OTHER, Met())
        # The sort keeps the order of those that are equal: the oldest go.
        for name in sorted(names, key=lambda name: names[name].calls)[: (len(names) + 1) // 2]:
            rest.add(names.pop(name))
        names[OTHER] = rest

    def _all_met(self) -> Iterator[Met]:
        for dimensions in self.met.values():
            for names in dimensions.values():
                yield from names.values()


def most_called(rows: Mapping[str, Tally]) -> dict[str, Tally]:
    """The rows with the most calls, most first, and the others as one."""
    named = sorted((name for name in rows if name != OTHER), key=lambda name: (-rows[name].tried, name))
    kept = {name: rows[name] for name in named[:MOST_ROWS]}
    rest = [rows[name] for name in (*named[MOST_ROWS:], OTHER) if name in rows]
    if rest:
        kept[OTHER] = Tally()
        for tally in rest:
            kept[OTHER].add(tally)
    return kept

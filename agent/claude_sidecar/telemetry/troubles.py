"""What needs a person, out of counts: which calls meet with what, and in how large a share of them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from claude_sidecar.telemetry.met import ALL, EXHAUSTED, WRONG_MODEL
from claude_sidecar.telemetry.names import NONE, OTHER
from claude_sidecar.telemetry.rollups import Windows
from claude_sidecar.telemetry.sheet import Sheet
from claude_sidecar.telemetry.tally import Met
from claude_sidecar.telemetry.trouble import Severity, Trouble
from claude_sidecar.telemetry.trouble_row import AtLeast, Row
from claude_sidecar.telemetry.trouble_table import TABLE

_ENOUGH_CALLS = 20
"""Fewer calls of a name in five minutes tell no share: then the hour's are looked at."""
_WELL_AGAIN = 3
"""So many recent calls of a name that do not meet it any more: the hour's share is history."""
_NEARLY = 1.5
"""Shares that differ by less than this factor tell the same."""
_MOST_NAMES = 3
"""Lines of a row; the same trouble of a fourth feature needs no line of its own."""
_NONE_MET = Met()
_OF = {"key": "with key", "route": "by route", "feature": "of feature", "model": "of model"}
_OF_OTHERS = {"key": "with keys", "route": "by routes", "feature": "of features", "model": "of models"}
"""Names past the bounds, and what is no name: told of where no name is."""


class _Found(NamedTuple):
    """A name whose calls meet a row's trouble.

    window: over which is counted. counted: calls of `of` that meet it. failed: how many of these failed in
    the end.
    """

    row: Row
    dimension: str
    name: str
    window: str
    counted: int
    of: int
    severity: Severity
    failed: int

    @property
    def share(self) -> float:
        """Of the calls of the name, 0 to 1."""
        return self.counted / self.of


def troubles_of_calls(windows: Windows, routes: Mapping[str, str]) -> list[Trouble]:
    """What the counts tell of. routes: what is known of a route's trouble by its name, as a clause."""
    found = [(each, rank) for rank, row in enumerate(TABLE) for each in _of_row(row, windows)]
    if any(each.severity is Severity.FIX and each.row.met != EXHAUSTED for each, _ in found):
        # What they were repeated for is told, and tells more.
        found = [(each, rank) for each, rank in found if each.row.met != EXHAUSTED]
    told = [_told(each, rank, routes) for each, rank in found]
    return [*told, *_wrong_models(windows), *_unpriced(windows)]


def _of_row(row: Row, windows: Windows) -> list[_Found]:
    """The names to tell of: those of the dimension that tells most with the fewest lines."""
    by_dimension = [list(_in_dimension(row, dimension, windows)) for dimension in row.dimensions]
    named = [[each for each in names if each.name != OTHER] for names in by_dimension]
    if any(named):
        by_dimension = named
    most = max((each.share for names in by_dimension for each in names), default=0.0)
    telling = [names for names in by_dimension if any(each.share * _NEARLY >= most for each in names)]
    if not telling:
        return []
    fewest = min(telling, key=len)
    return sorted(fewest, key=lambda each: (-each.share, -each.counted))[:_MOST_NAMES]


def _in_dimension(row: Row, dimension: str, windows: Windows) -> Iterator[_Found]:
    for name in windows.hour.met.get(row.met, {}).get(dimension, {}):
        if name == NONE and dimension != "key":
            continue
        recent = _tried(windows.recent, dimension, name)
        window, sheet = ("5m", windows.recent) if recent >= _ENOUGH_CALLS else ("1h", windows.hour)
        met = _met(sheet, row, dimension, name)
        if window == "1h" and recent >= _WELL_AGAIN and not _met(windows.recent, row, dimension, name).calls:
            continue
        of = max(_tried(sheet, dimension, name), met.calls)
        if _reached(row.fails, met.failed, of):
            found = met.failed, of, row.severity
        elif _reached(row.meets, met.calls, of):
            found = met.calls, of, Severity.WATCH if row.fails else row.severity
        else:
            continue
        yield _Found(row, dimension, name, window, *found, met.failed)


def _reached(at_least: AtLeast | None, met: int, of: int) -> bool:
    return at_least is not None and met >= at_least.calls and met * 100 >= of * at_least.percent


def _tried(sheet: Sheet, dimension: str, name: str) -> int:
    if dimension == ALL:
        return sheet.total.calls
    row = sheet.by.get(dimension, {}).get(name)
    return row.tried if row is not None else 0


def _met(sheet: Sheet, row: Row, dimension: str, name: str) -> Met:
    return sheet.met.get(row.met, {}).get(dimension, {}).get(name, _NONE_MET)


def _told(found: _Found, rank: int, routes: Mapping[str, str]) -> Trouble:
    row, name = found.row, found.name
    about = routes.get(name, "") if found.dimension == "route" else ""
    return Trouble(
        id="/".join((row.id, found.dimension, name)),
        severity=found.severity,
        what=f"{_calls(found)} {row.what}{_in_the_end(found)}{about and f' ({about})'}.",
        fix=row.fix,
        link=row.link,
        window=found.window,
        share=found.share,
        rank=rank,
    )


def _calls(found: _Found) -> str:
    """As in "3 % of calls of feature search"."""
    if found.of < _ENOUGH_CALLS:
        share = f"{found.counted} of {found.of}"
    elif found.counted == found.of:
        share = f"All {found.of}"
    else:
        share = f"{_percent(found.share)} of"
    if found.dimension == ALL:
        return f"{share} calls"
    if found.name == NONE:
        return f"{share} calls without a key"
    if found.name == OTHER:
        return f"{share} calls {_OF_OTHERS[found.dimension]} that are not named here"
    return f"{share} calls {_OF[found.dimension]} {found.name}"


def _in_the_end(found: _Found) -> str:
    if found.counted == found.failed or found.row.meets is None or found.row.severity is Severity.WATCH:
        return ""
    return f"; {found.failed} of them failed in the end" if found.failed else "; repeats cured them"


def _percent(share: float) -> str:
    percent = share * 100
    return f"{percent:.0f} %" if percent >= 1 else f"{percent:.1f} %"


def _wrong_models(windows: Windows) -> Iterator[Trouble]:
    for name, met in windows.hour.met.get(WRONG_MODEL, {}).get("model", {}).items():
        yield Trouble(
            id=f"wrong-model/model/{name}",
            severity=Severity.FIX,
            what=f"{met.calls} calls for model {name} were answered by another model, last by {met.detail}.",
            fix="Find out which gateway on the way changes the model, or whether the route's `models` does.",
            link="errors.md#another-gateways",
            window="1h",
            rank=len(TABLE),
        )


def _unpriced(windows: Windows) -> Iterator[Trouble]:
    for name, row in windows.hour.by.get("model", {}).items():
        if row.unpriced_tokens and name != OTHER:
            yield Trouble(
                id=f"unpriced/model/{name}",
                severity=Severity.WATCH,
                what=f"{row.unpriced_tokens} tokens of model {name} have no price: the cost is too low.",
                fix="Add the model to `prices` of the policy.",
                link="policy.md#prices",
                window="1h",
                rank=len(TABLE),
            )

"""What the page at `/` counts since the start, against the calls of `/requests`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bench.ledger.books import Attempt, Call
from bench.ledger.usage import parts_of


@dataclass(slots=True)
class Row:
    """Counts of some calls; usd: None where nothing of it has a price."""

    calls: int = 0
    left: int = 0
    attempts: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_creation: int = 0
    unpriced: int = 0
    usd: Decimal | None = None

    def use(self, sent: Attempt) -> None:
        """Count an attempt."""
        self.attempts += 1
        for kind in ("input", "output", "cache_read", "cache_creation"):
            setattr(self, kind, getattr(self, kind) + getattr(sent.used, kind))
        tokens = {kind: n for kind, n in parts_of(sent.used).items() if kind != "web_search"}
        self.unpriced += sum(tokens.get(kind, 0) for kind in sent.bill.unpriced)
        if sent.bill.usd is not None:
            self.usd = sent.bill.usd + (self.usd or 0)

    def told(self, names: Iterable[str]) -> dict[str, Any]:
        """As the page tells it. names: those of the counts that are told."""
        return {
            name: getattr(self, field) if field != "usd" else self.usd
            for name, field in _FIELDS.items()
            if name in names
        }


_FIELDS = {
    "calls": "calls",
    "left": "left",
    "attempts": "attempts",
    "inputTokens": "input",
    "outputTokens": "output",
    "cacheReadTokens": "cache_read",
    "cacheCreationTokens": "cache_creation",
    "unpricedTokens": "unpriced",
    "costUsd": "usd",
}

_NAMED: dict[str, tuple[Callable[[Call], str], Callable[[Call, Attempt], str]]] = {
    "key": (lambda call: call.key, lambda _, sent: sent.key),
    "model": (lambda call: call.label, lambda _, sent: sent.label),
    "route": (lambda call: call.route, lambda _, sent: sent.route),
    "status": (lambda call: str(call.status or "none"), lambda call, _: str(call.status or "none")),
}
"""By dimension: under which name a call is counted, and under which an attempt."""


def page_differences(since_start: Mapping[str, Any], calls: Iterable[Call]) -> Iterator[str]:
    """Where the page is at odds with the calls. since_start: `rollups.start` of `/overview`."""
    known = list(calls)
    total = Row()
    for call in known:
        total.calls += 1
        total.left += call.left
        for sent in call.attempts:
            total.use(sent)
    yield from _differs("in all", since_start, total)
    for dimension, (of_call, of_attempt) in _NAMED.items():
        rows: dict[str, Row] = {}
        for call in known:
            rows.setdefault(of_call(call), Row()).calls += 1
            for sent in call.attempts:
                rows.setdefault(of_attempt(call, sent), Row()).use(sent)
        shown = {row["name"]: row for row in since_start["by"][dimension]}
        for name in rows.keys() | shown.keys():
            yield from _differs(f"{dimension} {name}", shown.get(name, {}), rows.get(name, Row()))
    yield from _differs("conversations together", _together(since_start["by"]["conversation"]), total)


def _together(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """All rows of a dimension as one: those that are too many to be shown are in one called `_other`."""
    counts = {
        name: sum(row[name] for row in rows) for name in ("calls", "attempts", "inputTokens", "outputTokens")
    }
    return {**counts, "costUsd": sum((Decimal(row["costUsd"] or 0) for row in rows), Decimal())}


def _differs(what: str, shown: Mapping[str, Any], row: Row) -> Iterator[str]:
    told = {name: value for name, value in shown.items() if name in _FIELDS}
    if told.get("costUsd") is not None:
        told["costUsd"] = Decimal(told["costUsd"])
    reckoned = row.told(told)
    if not told or told != reckoned:
        yield f"the page, {what}: {told}, in /requests {reckoned}"

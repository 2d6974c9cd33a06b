"""Models that calls can reach, as `claude-sidecar models` prints them."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from claude_sidecar.demo.text_table import Column, table
from claude_sidecar.hints.retired_models import Retirement, retirement_of
from claude_sidecar.providers.reachable_models import ANY, ReachableModel, Source, Way
from claude_sidecar.schema.snapshot import Snapshot

_UNFOLDED = 1024
"""Names are copied from the table, so none is broken into lines."""

_HEADINGS = ("model", "route", "id", "known by", "note")
_KNOWN_BY = {Source.POLICY: "policy", Source.MODELS_API: "its list of models"}


def json_of(models: Sequence[ReachableModel]) -> str:
    """One JSON list; what a way is besides (a substitute, retired) only where it is."""
    return json.dumps(
        [{"model": each.model, "routes": [_as_json(way) for way in each.ways]} for each in models]
    )


def table_of(models: Sequence[ReachableModel]) -> Iterator[str]:
    """A table, a line a way; a model's name stands in its first."""
    rows = []
    for each in models:
        called = each.model if each.model != ANY else "any other" if len(models) > 1 else "any"
        for number, way in enumerate(each.ways):
            asked_for = way.id if way.id != ANY else "as asked"
            rows.append(("" if number else called, way.route, asked_for, _KNOWN_BY[way.source], _note(way)))
    shown = len(_HEADINGS) if any(row[-1] for row in rows) else len(_HEADINGS) - 1
    columns = [Column(heading, _UNFOLDED) for heading in _HEADINGS[:shown]]
    return table(columns, [row[:shown] for row in rows])


def unlisted_routes(snapshot: Snapshot, listed: Mapping[str, Collection[str]]) -> list[str]:
    """Routes that take any name, and of which no list of models is known."""
    return [route.name for route in snapshot.routes if route.models is None and not listed.get(route.name)]


def _as_json(way: Way) -> dict[str, Any]:
    told: dict[str, Any] = {"route": way.route, "id": way.id, "source": way.source.value}
    if way.substitute is not None:
        told["substitute"] = way.substitute
    if (retired := _retirement(way)) is not None:
        told |= {"retiresOn": retired.retires_on, "successor": retired.successor}
    return told


def _note(way: Way) -> str:
    notes = []
    if way.substitute is not None:
        notes.append(f"in its place, where it fails: {way.substitute}")
    if (retired := _retirement(way)) is not None:
        notes.append(f"the Claude API ends it on {retired.retires_on}: use {retired.successor}")
    return "; ".join(notes)


def _retirement(way: Way) -> Retirement | None:
    """By a dated list; a route whose own list has the model knows better."""
    return None if way.source is Source.MODELS_API else retirement_of(way.id)

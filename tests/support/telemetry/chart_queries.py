"""The chart's dashboards and alerts as files, and every expression in them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from support.project import CHART

DASHBOARDS = tuple(sorted((CHART / "dashboards").glob("*.json")))
ALERTS = CHART / "alerts" / "claude-sidecar.yaml"
RELABELINGS = CHART / "monitoring" / "sidecar-relabelings.yaml"

_METRIC = re.compile(r"\b(?:claude_(?:sidecar|operator)[_:][\w:]+|gen_ai_client_\w+|process_\w+)\b")
_LEGEND = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Asked:
    """An expression, where it is from, and the labels that its legend or its text shows."""

    where: str
    expr: str
    shows: frozenset[str] = frozenset()


def dashboard(path: Path) -> dict[str, Any]:
    """A dashboard's JSON."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def rules() -> list[dict[str, Any]]:
    """All rules of the alerts' file, recording ones included."""
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def of_dashboard(path: Path) -> Iterator[Asked]:
    """The expressions of its panels."""
    for panel in dashboard(path)["panels"]:
        for target in panel.get("targets", ()):
            shows = frozenset(_LEGEND.findall(target["legendFormat"]))
            yield Asked(f"{path.stem}: {panel['title']}", target["expr"], shows)


def of_variables(path: Path) -> Iterator[tuple[str, str, str]]:
    """Name of each variable, and the metric and label whose values it offers."""
    for variable in dashboard(path)["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()  # type: ignore[union-attr]
            yield variable["name"], metric, label


def metrics_in(expr: str) -> set[str]:
    """The names of metrics in an expression; labels are not among them."""
    return set(_METRIC.findall(expr))

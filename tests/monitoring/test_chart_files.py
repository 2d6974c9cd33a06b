"""Dashboards and alerts as files: what Grafana and Prometheus take, of metrics that there are."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support.project import ROOT
from support.telemetry.chart_queries import (
    ALERTS,
    DASHBOARDS,
    dashboard,
    metrics_in,
    of_dashboard,
    of_variables,
    rules,
)
from support.telemetry.prometheus import programs

from claude_operator.admission.metrics import Metrics as WebhookMetrics
from claude_operator.reconcile.metrics import Metrics as OperatorMetrics
from claude_sidecar.telemetry.metrics import Metrics as SidecarMetrics

UNIT_TESTS = Path(__file__).with_name("alerts.yaml")
RUNBOOK = ROOT / "docs" / "runbook.md"
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def known_metrics() -> set[str]:
    """All that sidecar, operator and webhook tell, with the names that the rules record."""
    pages = (
        SidecarMetrics().render_openmetrics(),
        OperatorMetrics().render(),
        WebhookMetrics().text(0.0, True),
    )
    known = {rule["record"] for rule in rules() if "record" in rule}
    for page in pages:
        for family in text_string_to_metric_families(page.decode()):
            known |= {family.name + suffix for suffix in _SUFFIXES.get(family.type, ())}
    return known


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboard_names_metrics_that_there_are(path: Path) -> None:
    named = {name for asked in of_dashboard(path) for name in metrics_in(asked.expr)}
    named |= {name for _, metric, _ in of_variables(path) for name in metrics_in(metric)}
    assert len(named) > 10
    assert named - known_metrics() == set()


def test_alerts_name_metrics_that_there_are() -> None:
    named = {name for rule in rules() for name in metrics_in(rule["expr"])}
    assert len(named) > 10
    assert named - known_metrics() == set()


def _data_sources(part: Any) -> list[Any]:
    if isinstance(part, list):
        return [found for each in part for found in _data_sources(each)]
    if isinstance(part, dict):
        own = [part["datasource"]] if "datasource" in part else []
        return own + [found for each in part.values() for found in _data_sources(each)]
    return []


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboard_can_be_provisioned_anywhere(path: Path) -> None:
    shown = dashboard(path)
    assert shown["uid"] == f"claude-sidecar-{path.stem}"
    assert shown["id"] is None
    assert "__inputs" not in shown
    sources = _data_sources(shown)
    assert len(sources) > 10
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
    assert shown["templating"]["list"][0]["type"] == "datasource"
    numbers = [panel["id"] for panel in shown["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert {panel["type"] for panel in shown["panels"]} <= {"row", "stat", "table", "timeseries"}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_says_what_it_shows(path: Path) -> None:
    told = {panel["title"]: panel["description"] for panel in dashboard(path)["panels"] if "targets" in panel}
    assert {title for title, text in told.items() if not text.endswith(".")} == set()
    assert len(told) > 10


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_neither_overlap_nor_leave_the_grid(path: Path) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard(path)["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


@pytest.mark.processes
def test_dashboards_are_those_of_their_source() -> None:
    checked = [sys.executable, ROOT / "tools" / "gen_dashboards.py", "--check"]
    ended = subprocess.run(checked, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def _alerts() -> list[str]:
    return [rule["alert"] for rule in rules() if "alert" in rule]


@pytest.mark.parametrize("rule", [rule for rule in rules() if "alert" in rule], ids=_alerts())
def test_alert_leads_to_its_part_of_the_runbook(rule: dict[str, Any]) -> None:
    name = rule["alert"]
    assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"
    assert f"\n## {name}\n" in RUNBOOK.read_text()
    assert rule["labels"]["severity"] in ("warning", "critical")


def test_runbook_has_no_alert_that_is_gone() -> None:
    assert re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.MULTILINE) == _alerts()


def _runbook_sections() -> dict[str, str]:
    _, *parts = re.split(r"^## (\w+)\n", RUNBOOK.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("alert", _alerts())
def test_runbook_says_what_an_alert_means_whose_fault_it_is_where_to_look_and_what_to_do(alert: str) -> None:
    leads = re.findall(r"^- \*\*(\w+):\*\*", _runbook_sections()[alert], re.MULTILINE)
    assert leads == ["Means", "Whose", "Look", "Do"]


def test_runbook_names_panels_that_there_are() -> None:
    titles = {panel["title"] for path in DASHBOARDS for panel in dashboard(path)["panels"]}
    named = {
        " ".join(name.split())
        for text in _runbook_sections().values()
        for name in re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", text)
    }
    assert len(named) > 10
    assert named - titles == set()


def test_each_alert_is_tested_to_fire_and_to_keep_quiet() -> None:
    cases = [
        case for test in yaml.safe_load(UNIT_TESTS.read_text())["tests"] for case in test["alert_rule_test"]
    ]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == set(_alerts())
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == set(_alerts())


@pytest.mark.prometheus
def test_prometheus_reads_the_rules() -> None:
    checked = [programs() / "promtool", "check", "rules", "--lint=all", "--lint-fatal", ALERTS]
    ended = subprocess.run(checked, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.prometheus
def test_alerts_fire_when_they_should_and_only_then() -> None:
    tested = [programs() / "promtool", "test", "rules", UNIT_TESTS]
    ended = subprocess.run(tested, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.prometheus
def test_a_rule_that_is_wrong_is_found_by_these_tests(tmp_path: Path) -> None:
    """The unit tests read the chart's own file, and say so when it is another."""
    wrong = tmp_path / "rules.yaml"
    wrong.write_text(ALERTS.read_text().replace("> 0.05\n", "> 0.5\n", 1))
    tests = tmp_path / "tests.yaml"
    tests.write_text(UNIT_TESTS.read_text().replace(f"../../{ALERTS.relative_to(ROOT)}", str(wrong)))
    ended = subprocess.run(
        [programs() / "promtool", "test", "rules", tests], check=False, capture_output=True, text=True
    )
    assert ended.returncode != 0
    assert "ClaudeErrorRatio" in ended.stdout + ended.stderr


def test_dashboards_are_plain_json() -> None:
    for path in DASHBOARDS:
        assert json.loads(path.read_text())["title"].startswith("claude-sidecar: ")


def test_docs_list_every_metric_of_operator_and_webhook_with_its_labels() -> None:
    row = r"^\| `(claude_operator_\w+)` \| \w+ \|([^|]*)\|"
    rows = re.findall(row, (ROOT / "docs" / "telemetry.md").read_text(), re.MULTILINE)
    told: dict[str, tuple[str, ...]] = {}
    for metrics in (OperatorMetrics(), WebhookMetrics()):
        for each in vars(metrics).values():
            if isinstance(each, MetricWrapperBase):
                # Labels of a metric without samples are told nowhere else.
                name = each._name + ("_total" if isinstance(each, Counter) else "")  # noqa: SLF001
                told[name] = tuple(each._labelnames)  # noqa: SLF001
    assert {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows} == told

"""A real Prometheus scrapes a fleet as the chart has it scraped, and answers all that the chart asks."""

import contextlib
import itertools
import math
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.cluster.local_cluster import local_cluster
from support.cluster.waiting import until
from support.telemetry import pod_monitor
from support.telemetry.chart_queries import ALERTS, DASHBOARDS, Asked, of_dashboard, of_variables, rules
from support.telemetry.fleet import Fleet
from support.telemetry.prometheus import Prometheus, prometheus

pytestmark = [pytest.mark.api_server, pytest.mark.prometheus]

SCRAPE_S = 1
SCRAPES = 12
"""So many, with calls in between, before anything is asked."""


@dataclass
class Scraped:
    """A fleet, and the Prometheus that knows it. at: when the fleet was last at work, unix seconds."""

    fleet: Fleet
    prometheus: Prometheus
    at: float = 0.0

    def filled(self, expr: str) -> str:
        """An expression with the choices above a dashboard made."""
        chosen = {
            "$__rate_interval": "30s",
            "$__range": "1m",
            "$cluster": ".*",
            "$namespace": self.fleet.namespace,
            "$workload": "web-front|batch",
            "$policy": "production",
            "$model": ".*",
            "$key": ".*",
        }
        for variable, value in chosen.items():
            expr = expr.replace(variable, value)
        assert "$" not in expr
        return expr

    def finite(self, expr: str) -> list[dict[str, Any]]:
        """The series of an expression that were numbers while the fleet was at work."""
        found = self.prometheus.query(expr, self.at)
        return [series for series in found if math.isfinite(float(series["value"][1]))]


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory, programs: Path) -> Iterator[Scraped]:
    # Sidecars are processes at addresses that only a control plane beside them can reach.
    folder = tmp_path_factory.mktemp("metrics")
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(local_cluster(programs))
        fleet = Fleet(cluster, folder, stack)
        discovered = folder / "pods.json"
        pod_monitor.discover(cluster, fleet.namespace, discovered)
        operator = {"targets": fleet.targets, "labels": {"namespace": "claude-sidecar"}}
        configuration = {
            "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": "1s"},
            "rule_files": [str(ALERTS)],
            "scrape_configs": [
                pod_monitor.sidecars(discovered),
                {"job_name": "operator", "static_configs": [operator]},
            ],
        }
        server = stack.enter_context(prometheus(folder, configuration))
        seen = Scraped(fleet, server)
        _let_work(seen)
        yield seen


def _let_work(scraped: Scraped) -> None:
    """Have calls made until the sidecars were scraped often enough, in between."""
    up = 'min(count_over_time(up{container="claude-sidecar",workload=~"web-front|batch"}[5m]))'
    pause = threading.Event()
    for _ in itertools.repeat(None, 90):
        scraped.fleet.work()
        often = scraped.prometheus.query(up)
        if often and float(often[0]["value"][1]) >= SCRAPES:
            scraped.at = float(often[0]["value"][0])
            return
        pause.wait(SCRAPE_S / 2)
    raise AssertionError(f"not scraped: {scraped.prometheus.get('targets', state='active')}")


@pytest.mark.parametrize(
    "asked",
    [asked for path in DASHBOARDS for asked in of_dashboard(path)],
    ids=lambda asked: re.sub(r"\W+", "-", asked.where),
)
def test_panel_has_data_with_the_labels_that_its_legend_shows(scraped: Scraped, asked: Asked) -> None:
    found = scraped.finite(scraped.filled(asked.expr))
    assert found, scraped.filled(asked.expr)
    for label in asked.shows:
        assert all(series["metric"].get(label) for series in found), f"no {label}: {found}"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_variable_offers_values(scraped: Scraped, path: Any) -> None:
    for name, metric, label in of_variables(path):
        offered = scraped.prometheus.get(f"label/{label}/values", **{"match[]": scraped.filled(metric)})
        # A single Prometheus adds no `cluster`; a choice without values means all.
        assert bool(offered) == (name != "cluster"), name


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert", rule.get("record")))
def test_rule_has_data_with_the_labels_that_its_text_shows(scraped: Scraped, rule: dict[str, Any]) -> None:
    # `bool` keeps the series that do not meet a threshold.
    expr = re.sub(r" ([<>]) ", r" \1 bool ", rule["expr"])
    found = scraped.finite(expr)
    assert found, expr
    shown = set(re.findall(r"\$labels\.(\w+)", str(rule.get("annotations"))))
    for label in shown:
        assert all(series["metric"].get(label) for series in found), f"no {label}: {found}"


def test_no_alert_of_operator_and_webhook_is_pending_where_they_are_well(scraped: Scraped) -> None:
    unwarranted = {
        "ClaudeOperatorDown",
        "ClaudeOperatorStuck",
        "ClaudeWebhookDown",
        "ClaudeCertificateExpiring",
        "ClaudePolicyRejected",
        "ClaudePolicyNeedsRestart",
    }
    # This fleet has too many failures, and a pod that came too early.
    wanted = {"ClaudeErrorRatio", "ClaudePodsWithoutSidecar"}

    def pending() -> set[str]:
        alerts = scraped.prometheus.get("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts}

    # More than one look, since a scrape that takes over a second is as none.
    until(lambda: pending() & (wanted | unwarranted) == wanted, "only what is wrong here is pending")


def test_workload_is_what_the_user_deployed(scraped: Scraped) -> None:
    targets = scraped.prometheus.get("targets", state="active")["activeTargets"]
    of_sidecars = [target["labels"] for target in targets if target["labels"]["job"] != "operator"]
    assert {labels["workload"] for labels in of_sidecars} == {"web-front", "batch", "nightly", "alone"}
    assert {labels["namespace"] for labels in of_sidecars} == {scraped.fleet.namespace}
    assert {labels["container"] for labels in of_sidecars} == {"claude-sidecar"}


def test_every_call_is_counted_once(scraped: Scraped) -> None:
    counted = 'sum(claude_sidecar_requests_total{workload=~"web-front|batch"})'
    made = scraped.fleet.calls
    until(
        lambda: [series["value"][1] for series in scraped.prometheus.query(counted)] == [str(made)],
        f"Prometheus counts {made} calls",
    )

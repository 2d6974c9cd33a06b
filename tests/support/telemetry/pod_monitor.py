"""What the Prometheus Operator makes of the sidecars' PodMonitor.

Debian's Prometheus is built without discovery in Kubernetes, so pods are listed here as that lists them; all
that is done to their labels after that is Prometheus' own work.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from support.cluster.cluster import Cluster
from support.telemetry.chart_queries import RELABELINGS

_PREFIX = "__meta_kubernetes_"


def sidecars(discovered: Path) -> dict[str, Any]:
    """A job that finds pods by the name of the sidecar's port; the chart's own relabelings come last.

    discovered: the file that `discover` writes.
    """
    return {
        "job_name": "podMonitor/claude-sidecar/sidecars",
        "file_sd_configs": [{"files": [str(discovered)], "refresh_interval": "1s"}],
        "relabel_configs": [
            _rule(["pod_phase"], regex="(Failed|Succeeded)", action="drop"),
            _rule(["pod_container_port_name"], regex="claude-admin", action="keep"),
            _rule(["namespace"], target_label="namespace"),
            _rule(["pod_container_name"], target_label="container"),
            _rule(["pod_name"], target_label="pod"),
            {"target_label": "job", "replacement": "claude-sidecar/sidecars"},
            {"target_label": "endpoint", "replacement": "claude-admin"},
            *map(_as_prometheus_says, yaml.safe_load(RELABELINGS.read_text())),
        ],
    }


def discover(cluster: Cluster, namespace: str, file: Path) -> None:
    """List a namespace's pods as Prometheus' discovery does: a target for each port of each container."""
    pods = cluster.api.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    file.write_text(json.dumps([target for pod in pods for target in _targets(pod)]))


def _targets(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    meta, spec, status = pod["metadata"], pod["spec"], pod["status"]
    address = status.get("podIP")
    if not address:
        return
    about = {"namespace": meta["namespace"], "pod_name": meta["name"], "pod_phase": status["phase"]}
    for owner in meta.get("ownerReferences", ()):
        if owner.get("controller"):
            about |= {"pod_controller_kind": owner["kind"], "pod_controller_name": owner["name"]}
    for name, value in meta.get("labels", {}).items():
        about["pod_label_" + re.sub(r"\W", "_", name)] = value
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        for port in container.get("ports", ()):
            of_port = {"pod_container_name": container["name"], "pod_container_port_name": port["name"]}
            labels = {_PREFIX + name: value for name, value in (about | of_port).items()}
            yield {"targets": [f"{address}:{port['containerPort']}"], "labels": labels}


def _rule(source: list[str], **more: str) -> dict[str, Any]:
    return {"source_labels": [_PREFIX + name for name in source], **more}


def _as_prometheus_says(rule: dict[str, Any]) -> dict[str, Any]:
    """A relabeling of a PodMonitor has camel case, one of Prometheus underscores."""
    return {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", key): rule[key] for key in rule}

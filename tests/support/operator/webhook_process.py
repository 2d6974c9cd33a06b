"""Replicas of `claude-operator webhook` as real processes, and what stands for them in the cluster."""

import contextlib
import http.client
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.cluster.cluster import Cluster
from support.operator.installed import NAMESPACE
from support.operator.operator_process import OperatorProcess

PORT, HEALTH_PORT = 10250, 8081
LABELS = {"app.kubernetes.io/name": "claude-sidecar", "app.kubernetes.io/component": "webhook"}
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


def fresh_addresses(count: int) -> list[str]:
    """Loopback addresses that nobody else uses, so that each replica has the ports it would have in a pod."""
    network = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}"
    return [f"{network}.{at + 2}" for at in range(count)]


def is_ready(address: str) -> bool:
    """What the kubelet's probe would say of a replica."""
    connection = http.client.HTTPConnection(address, HEALTH_PORT, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def replica(kubeconfig: Path, address: str, *options: str) -> Iterator[OperatorProcess]:
    """One replica at an address of its own; gone at the end of the block."""
    given = ["--kubeconfig", str(kubeconfig), "--namespace", NAMESPACE, "--host", address, *options]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("CLAUDE_OPERATOR")}
    started = subprocess.Popen(
        [sys.executable, "-m", "claude_operator.cli.main", "webhook", *given],
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    )
    running = OperatorProcess(started)
    try:
        yield running
    finally:
        running.end(kill=True)
        assert started.stderr
        started.stderr.close()


@contextlib.contextmanager
def pod_of(cluster: Cluster, address: str) -> Iterator[None]:
    """The object that a replica's pod would be."""
    name = f"webhook-{address.replace('.', '-')}"
    made = {
        "metadata": {"name": name, "labels": LABELS},
        "spec": {"containers": [{"name": "webhook", "image": "localhost/none:1"}]},
    }
    cluster.request("POST", PODS, made).expect()
    status = {"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}}
    kind = "application/merge-patch+json"
    cluster.request("PATCH", f"{PODS}/{name}/status", status, content_type=kind).expect()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            cluster.request("DELETE", f"{PODS}/{name}", {"gracePeriodSeconds": 0})


def has_sidecar(pod: dict[str, Any]) -> bool:
    """Whether our container is in a pod."""
    return any(each["name"] == "claude-sidecar" for each in pod["spec"].get("initContainers", []))

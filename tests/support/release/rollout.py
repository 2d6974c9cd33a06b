"""Deployments as they stand: rolled out, and which pods they have."""

import json
from typing import Any

from support.cluster.cluster import Cluster


def roll_out(cluster: Cluster, namespace: str, name: str, *, seconds: int = 60) -> None:
    """Wait until a Deployment has nothing but ready pods of its newest template; AssertionError if not."""
    timeout = f"--timeout={min(seconds, 170)}s"  # kubectl itself is given 180 s
    cluster.kubectl("rollout", "status", f"deployment/{name}", "-n", namespace, timeout)


def pods_of(cluster: Cluster, namespace: str, name: str) -> list[dict[str, Any]]:
    """The pods labelled `app: NAME` that are not going away."""
    said = json.loads(cluster.kubectl("get", "pods", "-n", namespace, "-l", f"app={name}", "-o", "json"))
    return [each for each in said["items"] if "deletionTimestamp" not in each["metadata"]]


def sidecar_of(pod: dict[str, Any]) -> dict[str, Any] | None:
    """The sidecar in a pod's spec."""
    found = [each for each in pod["spec"].get("initContainers") or () if each["name"] == "claude-sidecar"]
    return found[0] if found else None


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether all of a pod is."""
    conditions = pod["status"].get("conditions") or ()
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)

"""What containers use, as the kubelet counts it."""

from typing import Any

from support.cluster.cluster import Cluster

_MIB = 1 << 20


def working_sets(cluster: Cluster) -> dict[tuple[str, str], list[float]]:
    """MiB of every container's working set by (namespace, container)."""
    found: dict[tuple[str, str], list[float]] = {}
    for node in cluster.api.get("/api/v1/nodes")["items"]:
        name = node["metadata"]["name"]
        summary: dict[str, Any] = cluster.api.get(f"/api/v1/nodes/{name}/proxy/stats/summary")
        for pod in summary["pods"]:
            for container in pod.get("containers") or ():
                used = (container.get("memory") or {}).get("workingSetBytes")
                if used is not None:
                    key = (pod["podRef"]["namespace"], container["name"])
                    found.setdefault(key, []).append(used / _MIB)
    return found

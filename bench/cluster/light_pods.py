"""Many pods with a sidecar each, and an app that does next to nothing."""

from typing import Any

from support.cluster.waiting import until
from support.release.app import POLICY
from support.release.manifests import deployment, program_map, program_pod
from support.release.rollout import is_ready, pods_of
from support.release.shop import Shop

CPU_REQUEST = "claude-sidecar.dev/cpu-request"
"""By the usual one the scheduler lets 33 pods on a node of two cores."""
_NAME = "many"
_LONGEST_S = 300


def light_pods(shop: Shop, count: int) -> list[dict[str, Any]]:
    """The pods, ready, under the policy `production`."""
    workload = deployment(_NAME, program_pod("tally", {}), replicas=count)
    workload["spec"]["template"]["metadata"]["annotations"] = {POLICY: "production", CPU_REQUEST: "10m"}
    shop.cluster.apply([program_map("tally"), workload], namespace=shop.namespace)

    def ready() -> list[dict[str, Any]]:
        return [pod for pod in pods_of(shop.cluster, shop.namespace, _NAME) if is_ready(pod)]

    until(lambda: len(ready()) == count, f"{count} pods are ready", seconds=_LONGEST_S)
    return ready()

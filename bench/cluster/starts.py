"""How long a pod takes until it is ready, with a sidecar and without."""

import time
from collections.abc import Iterator

from deployed.app import POLICY
from deployed.manifests import program_map, program_pod
from deployed.rollout import is_ready
from deployed.shop import Shop
from kube.waiting import until


def seconds_to_ready(shop: Shop, *, pairs: int) -> Iterator[tuple[float, float]]:
    """Pairs of (without, with): from a bare pod's creation to its being ready; one pod at a time."""
    shop.cluster.apply(program_map("tally"), namespace=shop.namespace)
    for number in range(pairs):
        yield _one(shop, f"plain-{number}", {}), _one(shop, f"injected-{number}", {POLICY: "production"})


def _one(shop: Shop, name: str, annotations: dict[str, str]) -> float:
    path = f"/api/v1/namespaces/{shop.namespace}/pods"
    pod = {"metadata": {"name": name, "annotations": annotations}, "spec": program_pod("tally", {})}
    pod["spec"]["containers"][0].pop("readinessProbe")  # ready is: it runs
    began = time.monotonic()
    shop.cluster.request("POST", path, pod).expect()
    until(lambda: is_ready(shop.cluster.api.get(f"{path}/{name}")), f"{name} is ready", seconds=60)
    took = time.monotonic() - began
    shop.cluster.request("DELETE", f"{path}/{name}?gracePeriodSeconds=1").expect()
    return took

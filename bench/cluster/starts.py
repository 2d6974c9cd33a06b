"""How long a pod takes until it is ready: without a sidecar, with it, and with it but without its probe."""

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from support.cluster.waiting import until
from support.release.app import POLICY
from support.release.manifests import program_map, program_pod
from support.release.rollout import is_ready, sidecar_of
from support.release.shop import Shop

_PHASE_S = 0.13
"""The kubelet works in rounds of about a second; pods are made in all phases of a round."""
_OURS = ("annotations", "labels")


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from a bare pod's creation to its being ready. unprobed: the sidecar has no startup probe."""

    plain: float
    injected: float
    unprobed: float


def starts(shop: Shop, *, times: int) -> Iterator[Start]:
    """One pod at a time, the kinds in turn."""
    shop.cluster.apply(program_map("tally"), namespace=shop.namespace)
    for number in range(times):
        time.sleep(number * _PHASE_S % 1)
        plain, _ = _started(shop, _pod(f"plain-{number}", {}))
        injected, made = _started(shop, _pod(f"injected-{number}", {POLICY: "production"}))
        unprobed, _ = _started(shop, _without_probe(made, f"unprobed-{number}"))
        yield Start(plain, injected, unprobed)


def _pod(name: str, annotations: dict[str, str]) -> dict[str, Any]:
    pod = {"metadata": {"name": name, "annotations": annotations}, "spec": program_pod("tally", {})}
    pod["spec"]["containers"][0].pop("readinessProbe")  # ready is: it runs
    return pod


def _without_probe(made: dict[str, Any], name: str) -> dict[str, Any]:
    """What a pod would be like if the app were not started after a sidecar that serves, but beside it."""
    metadata = {key: made["metadata"][key] for key in _OURS if key in made["metadata"]}
    spec = copy.deepcopy(made["spec"])
    spec.pop("nodeName")
    sidecar = sidecar_of({"spec": spec})
    assert sidecar
    sidecar.pop("startupProbe")
    return {"metadata": {**metadata, "name": name}, "spec": spec}


def _started(shop: Shop, pod: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    path = f"/api/v1/namespaces/{shop.namespace}/pods"
    name = pod["metadata"]["name"]
    began = time.monotonic()
    shop.cluster.request("POST", path, pod).expect()
    until(lambda: is_ready(shop.cluster.api.get(f"{path}/{name}")), f"{name} is ready", seconds=60)
    took = time.monotonic() - began
    made: dict[str, Any] = shop.cluster.api.get(f"{path}/{name}")
    shop.cluster.request("DELETE", f"{path}/{name}?gracePeriodSeconds=1").expect()
    return took, made

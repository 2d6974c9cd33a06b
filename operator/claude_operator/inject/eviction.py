"""Cluster Autoscaler: a node is not kept for the sake of the sidecar's own folders."""

from claude_operator.inject.json_value import Object, annotate, annotations_of
from claude_operator.inject.volumes import Mounted

SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"


def allow_eviction(pod: Object, mounted: list[Mounted]) -> None:
    """Name our folders among those that may go with a node, in place.

    By default the autoscaler removes no node with a pod that has a folder on it; one of the pod's own still
    counts: https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md
    """
    said = annotations_of(pod).get(SAFE_TO_EVICT) or ""
    there = {name.strip() for name in said.split(",")}
    ours = [str(each.volume["name"]) for each in mounted if "emptyDir" in each.volume]
    missing = [name for name in ours if name not in there]
    annotate(pod, SAFE_TO_EVICT, ",".join([*([said] if said.strip() else []), *missing]))

"""The kinds of objects that are watched, and what is kept of each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from claude_operator import names
from claude_operator.desired import records
from claude_operator.desired.world import ConfigMap, Namespace, Object, Pod, Refusal, Workload

Record: TypeAlias = Object | ConfigMap | Namespace | Pod | Refusal | Workload


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind; group: empty for core. labels, fields: selectors. read: what is kept of an object."""

    group: str
    version: str
    plural: str
    read: Callable[[Object], Record]
    labels: str = ""
    fields: str = ""

    @property
    def selectors(self) -> dict[str, str]:
        """The selectors, as a query."""
        said = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {key: value for key, value in said.items() if value}


def _policy(body: Object) -> Object:
    """A policy without what other writers' tools keep in its metadata."""
    kept = ("name", "namespace", "uid", "generation", "resourceVersion")
    meta = {key: body["metadata"][key] for key in kept if key in body["metadata"]}
    return {"metadata": meta, "spec": body.get("spec") or {}, "status": body.get("status") or {}}


def _workloads(group: str, kind: str, plural: str) -> Kind:
    read = partial(records.workload, api_version=f"{group}/v1", kind=kind)
    return Kind(group, "v1", plural, read)


KINDS = (
    Kind(names.GROUP, names.VERSION, names.PLURAL, _policy),
    # All others would be the larger part of a cluster's ConfigMaps; one of our name is asked for by name.
    Kind("", "v1", "configmaps", records.config_map, labels=names.POLICY_UID),
    Kind("", "v1", "namespaces", records.namespace),
    Kind("", "v1", "pods", records.pod),
    # How controllers tell that the API server refused their pods; no other kind of object says so for all.
    Kind("", "v1", "events", records.refusal, fields="reason=FailedCreate"),
    _workloads("apps", "Deployment", "deployments"),
    _workloads("apps", "StatefulSet", "statefulsets"),
    _workloads("apps", "DaemonSet", "daemonsets"),
    _workloads("apps", "ReplicaSet", "replicasets"),
    _workloads("batch", "Job", "jobs"),
    _workloads("batch", "CronJob", "cronjobs"),
)
"""Everything that is watched."""

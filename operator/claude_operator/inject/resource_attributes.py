"""`k8s.*` resource attributes of the sidecar's telemetry: which pod it is in, and what made the pod."""

from collections.abc import Iterator
from urllib.parse import quote

from claude_operator import names
from claude_operator.inject.json_value import Object, labels_of

DOWNWARD = {
    "K8S_NAMESPACE_NAME": "metadata.namespace",
    "K8S_POD_NAME": "metadata.name",
    "K8S_POD_UID": "metadata.uid",
    "K8S_NODE_NAME": "spec.nodeName",
    "K8S_HOST_IP": "status.hostIP",
}
"""Variables that the kubelet fills in; they come first, so that later ones may refer to them."""

# Names of pods, nodes and namespaces hold nothing that this list of attributes would want percent-encoded,
# so the kubelet's plain values are right in it.
_FROM_KUBELET = {
    "k8s.namespace.name": "K8S_NAMESPACE_NAME",
    "k8s.pod.name": "K8S_POD_NAME",
    "k8s.pod.uid": "K8S_POD_UID",
    "k8s.node.name": "K8S_NODE_NAME",
}
_OWNERS = {
    "ReplicaSet": "k8s.replicaset.name",
    "StatefulSet": "k8s.statefulset.name",
    "DaemonSet": "k8s.daemonset.name",
    "Job": "k8s.job.name",
}
_HASH_LABEL = "pod-template-hash"


def resource_attributes(pod: Object) -> str:
    """The value of OTEL_RESOURCE_ATTRIBUTES."""
    found = {name: f"$({variable})" for name, variable in _FROM_KUBELET.items()}
    found["k8s.container.name"] = names.CONTAINER
    found.update((name, percent_encoded(value)) for name, value in _owner(pod))
    return ",".join(f"{name}={value}" for name, value in found.items())


def percent_encoded(value: str) -> str:
    """A value as lists of `name=value,name=value` in OpenTelemetry's variables want it."""
    return quote(value, safe="")


def _owner(pod: Object) -> Iterator[tuple[str, str]]:
    for reference in (pod.get("metadata") or {}).get("ownerReferences") or ():
        kind, name = reference.get("kind"), str(reference.get("name"))
        if not reference.get("controller") or kind not in _OWNERS:
            continue
        yield _OWNERS[kind], name
        ending = f"-{labels_of(pod).get(_HASH_LABEL)}"
        if kind == "ReplicaSet" and name.endswith(ending):
            yield "k8s.deployment.name", name.removesuffix(ending)

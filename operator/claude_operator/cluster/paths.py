"""Paths of what the operator reads and writes."""

from claude_operator import names

_CORE = "/api/v1/namespaces"


def collection(group: str, version: str, plural: str, namespace: str | None = None) -> str:
    """A list's path; group: empty for core; namespace: None for all of them."""
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    return f"{root}/{plural}" if namespace is None else f"{root}/namespaces/{namespace}/{plural}"


def config_maps(namespace: str) -> str:
    """The ConfigMaps of a namespace."""
    return f"{_CORE}/{namespace}/configmaps"


def config_map(namespace: str, name: str) -> str:
    """One ConfigMap."""
    return f"{config_maps(namespace)}/{name}"


def policy_status(namespace: str, name: str) -> str:
    """The status of a policy."""
    return f"{collection(names.GROUP, names.VERSION, names.PLURAL, namespace)}/{name}/status"


def pod(namespace: str, name: str) -> str:
    """A pod."""
    return f"{_CORE}/{namespace}/pods/{name}"


def events(namespace: str) -> str:
    """The events of a namespace."""
    return f"{_CORE}/{namespace}/events"


def leases(namespace: str) -> str:
    """The Leases of a namespace."""
    return collection("coordination.k8s.io", "v1", "leases", namespace)

"""Why a pod that asks for a sidecar cannot have one."""

from collections.abc import Iterator

from claude_operator import names
from claude_operator.inject.json_value import Object, annotations_of

MIRROR = "kubernetes.io/config.mirror"
OS_LABEL = "kubernetes.io/os"


def obstacle(pod: Object) -> str | None:
    """The first reason against a sidecar in this pod that has none of ours yet; None where there is none."""
    spec = pod.get("spec") or {}
    if MIRROR in annotations_of(pod):
        return "mirror pod"
    if spec.get("hostNetwork"):
        return "hostNetwork"
    if _is_windows(spec):
        return "Windows"
    for container in all_containers(spec):
        if container.get("name") == names.CONTAINER:
            return f"a container named {names.CONTAINER} is already there"
        for port in container.get("ports") or ():
            if port.get("containerPort") in (names.PORT, names.ADMIN_PORT) and _is_tcp(port):
                return f"port {port['containerPort']} is declared by container {container.get('name')}"
    return None


def all_containers(spec: Object) -> Iterator[Object]:
    """Init containers, then app containers."""
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def _is_tcp(port: Object) -> bool:
    return (port.get("protocol") or "TCP") == "TCP"


def _is_windows(spec: Object) -> bool:
    if (spec.get("os") or {}).get("name") == "windows":
        return True
    return (spec.get("nodeSelector") or {}).get(OS_LABEL) == "windows"

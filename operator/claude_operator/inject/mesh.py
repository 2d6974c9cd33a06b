"""Service meshes: which containers are theirs, and how they are told to leave our admin port alone."""

from claude_operator import names
from claude_operator.inject.json_value import Object, annotate, annotations_of

PREFIXES = ("istio-", "linkerd-")
PORT_ANNOTATIONS = ("traffic.sidecar.istio.io/excludeInboundPorts", "config.linkerd.io/skip-inbound-ports")


def is_mesh(container: Object) -> bool:
    """Whether a container is a mesh's, by its name."""
    return str(container.get("name", "")).startswith(PREFIXES)


def leading(containers: list[Object]) -> int:
    """How many init containers at the front are a mesh's; they set up the network that ours uses."""
    return next((at for at, container in enumerate(containers) if not is_mesh(container)), len(containers))


def exclude_admin_port(pod: Object) -> None:
    """Keep meshes from asking for mutual TLS where the kubelet probes the sidecar, in place.

    Set on every pod that is injected: a mesh's own webhook may come after ours.
    """
    for key in PORT_ANNOTATIONS:
        annotate(pod, key, merged(annotations_of(pod).get(key) or "", names.ADMIN_PORT))


def merged(ports: str, port: int) -> str:
    """A list of ports and ranges such as `25,4000-4010` with one more port, unless it is already in there."""
    if any(_holds(entry.strip(), port) for entry in ports.split(",")):
        return ports
    return f"{ports},{port}" if ports.strip() else str(port)


def _holds(entry: str, port: int) -> bool:
    first, _, last = entry.partition("-")
    last = last or first
    if not (_is_port(first) and _is_port(last)):
        return False
    return int(first) <= port <= int(last)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5

"""Cluster DNS: CoreDNS is a process of the node, and pods find it where they always do."""

import secrets
import socket
import struct
from typing import Any

from support.cluster.whole.places import DNS_ADDRESS, NODE_ADDRESS

PORTS = ({"name": "dns", "protocol": "UDP", "port": 53}, {"name": "dns-tcp", "protocol": "TCP", "port": 53})
SERVICE = {"name": "kube-dns", "namespace": "kube-system"}
NAME = "kubernetes.default.svc.cluster.local"


def objects() -> list[dict[str, Any]]:
    """The Service, where it leads to, and the right to know Services and pods."""
    readable = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    rbac = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "coredns"},
            "rules": readable,
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "coredns"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "coredns"},
            "subjects": [{"apiGroup": rbac, "kind": "User", "name": "coredns"}],
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**SERVICE, "labels": {"k8s-app": "kube-dns"}},
            "spec": {"clusterIP": DNS_ADDRESS, "ports": list(PORTS)},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**SERVICE, "labels": {"kubernetes.io/service-name": "kube-dns"}},
            "addressType": "IPv4",
            "ports": list(PORTS),
            "endpoints": [{"addresses": [NODE_ADDRESS], "conditions": {"ready": True}}],
        },
    ]


def answers() -> bool:
    """Whether a query to its Service gets an address: kube-proxy and CoreDNS both do their work."""
    number = secrets.token_bytes(2)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in NAME.split("."))
    query = number + struct.pack("!5H", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.2)
        try:
            asking.sendto(query, (DNS_ADDRESS, 53))
            answer = asking.recv(512)
        except OSError:
            return False
    return answer[:2] == number and struct.unpack("!H", answer[6:8])[0] > 0

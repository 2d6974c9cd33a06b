"""The node's mounts and its network: a bridge for pods, a cable to the machine, no way to anywhere else."""

import json
import subprocess
from pathlib import Path

from support.cluster.whole import places
from support.cluster.whole.node import Node, NodeFailed, run
from support.cluster.whole.places import Places

RANGES = (places.POD_RANGE, places.SERVICE_RANGE)
SETUP = f"""
set -e
mount -t tmpfs tmpfs /run
for folder in lib log; do
    own="$STATE/var/$folder"
    mkdir -p "$own.new" "$own.work"
    mount -t overlay overlay -o "lowerdir=/var/$folder,upperdir=$own.new,workdir=$own.work" "/var/$folder"
done
ip link set lo up
ip link add cni0 type bridge
ip addr add {places.NODE_ADDRESS}/24 dev cni0
ip link set cni0 up
ip link add services type bridge
ip link set services up
ip route add {places.SERVICE_RANGE} dev services src {places.NODE_ADDRESS}
ip addr add {places.UPLINK_ADDRESS}/30 dev uplink
ip link set uplink up
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
"""
"""/run and what is new below /var are the node's own: kubelet, containerd and CNI have fixed paths there.

kube-proxy turns a Service's address into a pod's only after a way was found for it, and drops what is for no
Service. The way is a link of its own, for on cni0 pods would be told to take a shorter one.
"""

POD_NETWORK = {
    "cniVersion": "1.0.0",
    "name": "pods",
    "plugins": [
        {
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": places.POD_RANGE, "gateway": places.NODE_ADDRESS}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
    ],
}
"""Addresses are not translated: pods reach one another and this machine, and nothing beyond it."""


def connect(node: Node, at: Places) -> None:
    """Lay the cable and set up both ends; pods and Services can be reached from the machine afterwards.

    Errors: NodeFailed.
    """
    _check_ranges_are_free()
    if not Path("/proc/sys/net/bridge").exists():
        run("modprobe", "br_netfilter")
    run("ip", "link", "add", at.link, "type", "veth", "peer", "name", "uplink", "netns", str(node.pid))
    run("ip", "addr", "add", f"{places.LINK_ADDRESS}/30", "dev", at.link)
    run("ip", "link", "set", at.link, "up")
    run(*node.inside("env", f"STATE={at.state}", "sh", "-c", SETUP))
    for destination in RANGES:
        run("ip", "route", "add", destination, "via", places.UPLINK_ADDRESS, "dev", at.link)
    folder = at.state / "cni"
    folder.mkdir()
    (folder / "10-pods.conflist").write_text(json.dumps(POD_NETWORK))


def _check_ranges_are_free() -> None:
    for destination in RANGES:
        routed = run("ip", "route", "show", destination).strip()
        if routed:
            raise NodeFailed(
                f"another cluster is on this machine, take it down first: '{routed}' is a route to it"
            )


def disconnect(at: Places) -> None:
    """Take the cable away: connections that are still closing may keep the node's end for minutes."""
    subprocess.run(["ip", "link", "delete", at.link], check=False, capture_output=True)


def is_connected(at: Places) -> bool:
    """Whether the machine's end of the cable is there."""
    shown = subprocess.run(["ip", "link", "show", at.link], check=False, capture_output=True)
    return shown.returncode == 0

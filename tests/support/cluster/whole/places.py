"""Where a whole cluster keeps its state, and its names and addresses: there is at most one on a machine."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

NODE = "node0"
LINK_ADDRESS, UPLINK_ADDRESS = "10.243.0.2", "10.243.0.1"
"""What the machine is for pods, and what the node is for the machine."""
NODE_ADDRESS = "10.244.0.1"
POD_RANGE, SERVICE_RANGE = "10.244.0.0/24", "10.96.0.0/16"
DNS_ADDRESS = "10.96.0.10"
API_PORT, ETCD_PORT, ETCD_PEER_PORT = 6443, 2379, 2380
PAUSE_IMAGE = "localhost/pause:1"
NODE_PROGRAMS = ("kube-scheduler", "kubelet", "kube-proxy")
"""Of Kubernetes, beside those of a control plane."""


@dataclass(frozen=True)
class Places:
    """Paths of the cluster; short ones, because those of sockets end at 107 bytes.

    Args:
        cache: the user's folder of this project
    """

    cache: Path

    @property
    def state(self) -> Path:
        """All that goes with the cluster."""
        return self.cache / "cluster"

    @property
    def images(self) -> Path:
        """What containerd has unpacked: it stays, so that images are imported once."""
        return self.cache / "containerd"

    @property
    def mark(self) -> str:
        """Tells what is ours from what is anybody else's outside our folders."""
        return hashlib.sha256(bytes(self.state)).hexdigest()[:8]

    @property
    def link(self) -> str:
        """The machine's end of the cable to the node."""
        return f"claude-{self.mark}"

    @property
    def cgroup(self) -> str:
        """The one in which all pods are."""
        return f"claude-sidecar-{self.mark}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.state / "admin.kubeconfig"

    @property
    def kind_kubeconfig(self) -> Path:
        """The administrator's of a cluster of kind's."""
        return self.cache / "kind.kubeconfig"

    @property
    def socket(self) -> Path:
        """containerd's."""
        return self.state / "containerd.sock"


def places() -> Places:
    """This user's."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Places(home.resolve() / "claude-sidecar")


def given_kubeconfig() -> str | None:
    """What KUBECONFIG names, unless it is our own cluster's, which is nothing strange."""
    given = os.environ.get("KUBECONFIG")
    return None if given and Path(given).resolve() == places().kubeconfig else given or None

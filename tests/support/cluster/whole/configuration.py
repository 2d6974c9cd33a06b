"""What the node's programs read: containerd, kubelet, kube-proxy and CoreDNS."""

import json
from pathlib import Path

from support.cluster.whole import places
from support.cluster.whole.places import Places

CONTAINERD = """version = 2
root = "{at.images}"
state = "{at.state}/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "{at.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{at.state}/cni"
"""

COREDNS = """.:53 {{
  bind {address}
  errors
  health 127.0.0.1:8081
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {kubeconfig}
    pods insecure
    ttl 5
  }}
  cache 5
}}
"""


def write_containerd(at: Places, cni_plugins: Path) -> Path:
    """containerd's configuration."""
    path = at.state / "containerd.toml"
    path.write_text(CONTAINERD.format(at=at, image=places.PAUSE_IMAGE, plugins=cni_plugins))
    return path


def write_coredns(at: Places, kubeconfig: Path) -> Path:
    """CoreDNS's; it knows the cluster's names and no others."""
    path = at.state / "Corefile"
    path.write_text(COREDNS.format(address=places.NODE_ADDRESS, kubeconfig=kubeconfig))
    return path


def write_kubelet(at: Places, ca: Path, certificate: Path, key: Path) -> Path:
    """The kubelet's: it never evicts, and looks at mounted ConfigMaps at its usual pace."""
    resolv = at.state / "resolv.conf"
    resolv.write_text(f"nameserver {places.NODE_ADDRESS}\n")
    return _write(
        at.state / "kubelet.json",
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{at.cgroup}",
            "failSwapOn": False,
            "containerRuntimeEndpoint": f"unix://{at.socket}",
            "address": places.NODE_ADDRESS,
            "healthzBindAddress": "127.0.0.1",
            "readOnlyPort": 0,
            "tlsCertFile": str(certificate),
            "tlsPrivateKeyFile": str(key),
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(ca)},
            },
            "authorization": {"mode": "Webhook"},
            "clusterDNS": [places.DNS_ADDRESS],
            "clusterDomain": "cluster.local",
            "resolvConf": str(resolv),
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "evictionHard": {
                "memory.available": "0%",
                "nodefs.available": "0%",
                "nodefs.inodesFree": "0%",
                "imagefs.available": "0%",
            },
            "makeIPTablesUtilChains": False,
            "podLogsDir": str(at.state / "pod-logs"),
            "volumePluginDir": str(at.state / "volume-plugins"),
            "kubeAPIQPS": 50,
            "kubeAPIBurst": 100,
        },
    )


def write_proxy(at: Places, kubeconfig: Path) -> Path:
    """kube-proxy's."""
    return _write(
        at.state / "proxy.json",
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "clusterCIDR": places.POD_RANGE,
            "hostnameOverride": places.NODE,
            "bindAddress": places.NODE_ADDRESS,
            "clientConnection": {"kubeconfig": str(kubeconfig)},
            "conntrack": {"maxPerCore": 0},
            "metricsBindAddress": "127.0.0.1:10249",
            "healthzBindAddress": "127.0.0.1:10256",
        },
    )


def _write(path: Path, said: dict[str, object]) -> Path:
    path.write_text(json.dumps(said, indent=1))
    return path

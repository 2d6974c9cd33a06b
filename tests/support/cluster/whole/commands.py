"""How each program of a whole cluster is started, written down so that anybody can start it again."""

import json
from dataclasses import dataclass
from pathlib import Path

from support.cluster.certificates import Authority, write_key
from support.cluster.control_plane_flags import apiserver_flags, arguments, controller_flags, etcd_flags
from support.cluster.kubeconfig import certificate_user, write_kubeconfig
from support.cluster.whole import configuration, places
from support.cluster.whole.places import Places

DAYS = 365
"""For so long its certificates hold: it may be kept."""
FILE = "commands.json"


@dataclass(frozen=True)
class Programs:
    """Where they are.

    Args:
        control: folder of the control plane's programs and kubectl
        node: folder of kube-scheduler, kubelet and kube-proxy
        coredns: the program
        pause: the program that pods, and the node, begin with
        containerd: the program; its shim and runc are in PATH
        cni_plugins: their folder
    """

    control: Path
    node: Path
    coredns: Path
    pause: Path
    containerd: Path
    cni_plugins: Path


class Writer:
    """Writes keys, kubeconfigs and configuration into the state folder."""

    def __init__(self, at: Places, programs: Programs, url: str) -> None:
        self._at, self._programs, self._url = at, programs, url
        self._authority = Authority(at.state, days=DAYS)
        self.commands: dict[str, list[str]] = {}

    def write(self) -> dict[str, list[str]]:
        """All of it; command lines by component."""
        write_key(self._at.state / "sa.key")
        self._kubeconfig("admin", self._url, ["system:masters"])
        self._control_plane()
        self._node()
        (self._at.state / FILE).write_text(json.dumps(self.commands, indent=1))
        return self.commands

    def _control_plane(self) -> None:
        at, local = self._at.state, f"https://127.0.0.1:{places.API_PORT}"
        self._add("etcd", etcd_flags(at, places.ETCD_PORT, places.ETCD_PEER_PORT))
        certificate, key = self._authority.client(
            "apiserver-kubelet", "apiserver-kubelet", ["system:masters"]
        )
        api = apiserver_flags(at, self._authority, etcd_port=places.ETCD_PORT) | {
            "bind-address": "0.0.0.0",
            "secure-port": places.API_PORT,
            "advertise-address": places.NODE_ADDRESS,
            "kubelet-client-certificate": certificate,
            "kubelet-client-key": key,
            "kubelet-certificate-authority": self._authority.certificate,
            "kubelet-preferred-address-types": "InternalIP",
        }
        self._add("kube-apiserver", api)
        controllers = self._kubeconfig("system:kube-controller-manager", local)
        flags = controller_flags(at, self._authority, controllers) | {
            "bind-address": "127.0.0.1",
            "cert-dir": at,
        }
        self._add("kube-controller-manager", flags)
        scheduler = self._kubeconfig("system:kube-scheduler", local)
        self._add(
            "kube-scheduler", {"kubeconfig": scheduler, "leader-elect": False, "bind-address": "127.0.0.1"}
        )

    def _node(self) -> None:
        at, local = self._at, f"https://127.0.0.1:{places.API_PORT}"
        path = configuration.write_containerd(at, self._programs.cni_plugins)
        self.commands["containerd"] = [str(self._programs.containerd), f"--config={path}"]
        served = self._authority.server(places.NODE, places.NODE_ADDRESS)
        kubelet = {
            "config": configuration.write_kubelet(at, self._authority.certificate, *served),
            "kubeconfig": self._kubeconfig(f"system:node:{places.NODE}", local, ["system:nodes"]),
            "root-dir": at.state / "kubelet",
            "cert-dir": at.state,
            "hostname-override": places.NODE,
            "node-ip": places.NODE_ADDRESS,
        }
        self._add("kubelet", kubelet)
        proxy = configuration.write_proxy(at, self._kubeconfig("system:kube-proxy", local))
        self._add("kube-proxy", {"config": proxy})
        corefile = configuration.write_coredns(at, self._kubeconfig("coredns", local))
        self.commands["coredns"] = [str(self._programs.coredns), "-conf", str(corefile)]

    def _add(self, name: str, flags: dict[str, object]) -> None:
        folder = self._programs.node if name in places.NODE_PROGRAMS else self._programs.control
        self.commands[name] = [str(folder / name), *arguments(flags)]

    def _kubeconfig(self, user: str, url: str, groups: list[str] | None = None) -> Path:
        file_name = user.replace(":", "-")
        who = certificate_user(*self._authority.client(file_name, user, groups or []))
        path = self._at.state / f"{file_name}.kubeconfig"
        return write_kubeconfig(path, url, self._authority.certificate, who)

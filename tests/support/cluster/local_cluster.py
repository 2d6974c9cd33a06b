"""A control plane of real components as child processes, on free ports, in a folder that goes with it."""

import contextlib
import re
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

from support.cluster.certificates import Authority, write_key
from support.cluster.cluster import Cluster
from support.cluster.component import Component, ComponentFailed
from support.cluster.control_plane_flags import (
    Flags,
    apiserver_flags,
    arguments,
    controller_flags,
    etcd_flags,
)
from support.cluster.kubeconfig import certificate_user, write_kubeconfig
from support.cluster.state_folder import state_folder
from support.cluster.waiting import until
from support.free_ports import free_ports


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class LocalCluster(Cluster):
    """etcd, kube-apiserver and kube-controller-manager; made by `local_cluster`."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._authority = programs, Authority(folder)
        self._etcd_port, peer_port, api_port = free_ports(3)
        url = f"https://127.0.0.1:{api_port}"
        admin = folder / "admin.kubeconfig"
        write_kubeconfig(
            admin, url, self._authority.certificate, self._sign_user("admin", ["system:masters"])
        )
        super().__init__(
            minor="unknown until it runs",
            url=url,
            ca=self._authority.certificate,
            kubeconfig=admin,
            kubectl=programs / "kubectl",
            folder=folder,
            sign=self._sign_user,
        )
        write_key(folder / "sa.key")
        self.components = {
            "etcd": self._component("etcd", etcd_flags(folder, self._etcd_port, peer_port)),
            "kube-apiserver": self._component("kube-apiserver", self._apiserver_flags(api_port)),
            "kube-controller-manager": self._component("kube-controller-manager", self._controller_flags()),
        }

    def _component(self, name: str, flags: Flags) -> Component:
        return Component(self._programs / name, arguments(flags), self.folder / f"{name}.log")

    def _sign_user(self, user: str, groups: Iterable[str]) -> dict[str, str]:
        file_name = re.sub(r"[^\w.-]", "-", user)
        return certificate_user(*self._authority.client(file_name, user, groups))

    def _apiserver_flags(self, port: int) -> Flags:
        flags = apiserver_flags(self.folder, self._authority, etcd_port=self._etcd_port)
        return flags | {
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": port,
            "endpoint-reconciler-type": "none",
            "shutdown-watch-termination-grace-period": "1s",
        }

    def _controller_flags(self) -> Flags:
        path = self.folder / "controllers.kubeconfig"
        user = self._sign_user("system:kube-controller-manager", [])
        write_kubeconfig(path, self.url, self._authority.certificate, user)
        return controller_flags(self.folder, self._authority, path) | {"secure-port": 0}

    def start_all(self) -> None:
        """Start the components one after another, each ready before the next."""
        for name in self.components:
            self.start(name)
        version = self.api.get("/version")
        self.minor = f"{version['major']}.{version['minor']}"

    def stop_all(self) -> None:
        """Stop them in the other order; their state goes with the folder, so nobody needs to be polite."""
        for component in reversed(self.components.values()):
            component.stop(kill=True)

    def start(self, component: str) -> None:
        started = self.components[component]
        started.start()
        try:
            until(lambda: self._is_ready(started), f"{component} is ready", seconds=60)
        except AssertionError as late:
            raise ComponentFailed(f"{late}\n{started.tail()}") from late

    def stop(self, component: str, *, kill: bool = False) -> None:
        self.components[component].stop(kill=kill)

    def _is_ready(self, component: Component) -> bool:
        component.check()
        if component.name == "etcd":
            return _accepts(self._etcd_port)
        wanted = {
            "kube-apiserver": "/readyz",
            "kube-controller-manager": "/api/v1/namespaces/default/serviceaccounts/default",
        }
        with contextlib.suppress(OSError):
            return self.request("GET", wanted[component.name]).status == 200
        return False


@contextlib.contextmanager
def local_cluster(programs: Path) -> Iterator[LocalCluster]:
    """A cluster of the programs in a folder, until the end of the block."""
    with state_folder() as folder:
        cluster = LocalCluster(programs, folder)
        try:
            cluster.start_all()
            yield cluster
        finally:
            cluster.stop_all()

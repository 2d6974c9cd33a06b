"""A cluster with a node, as tests see it: pods run, and any of its programs can be stopped and started."""

import contextlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from support.cluster.certificates import Authority
from support.cluster.cluster import Cluster
from support.cluster.kubeconfig import certificate_user
from support.cluster.waiting import until
from support.cluster.whole import cluster_dns
from support.cluster.whole.commands import DAYS, FILE
from support.cluster.whole.images import ctr, import_image
from support.cluster.whole.node import Node, NodeFailed
from support.cluster.whole.places import NODE, Places

ENVIRON = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "GOMAXPROCS": "2"}


class WholeCluster(Cluster):
    """The one of this machine, whoever brought it up.

    Args:
        at: where its state is
    """

    def __init__(self, at: Places) -> None:
        self.at, self.node = at, Node(at.state)
        self._commands: dict[str, list[str]] = json.loads((at.state / FILE).read_text())
        said = json.loads(at.kubeconfig.read_text())
        self._authority = Authority(at.state, days=DAYS)
        super().__init__(
            minor="unknown until it runs",
            url=said["clusters"][0]["cluster"]["server"],
            ca=self._authority.certificate,
            kubeconfig=at.kubeconfig,
            kubectl=Path(self._commands["kube-apiserver"][0]).with_name("kubectl"),
            folder=at.state,
            sign=self._sign_user,
        )

    @property
    def components(self) -> list[str]:
        """The names of its programs."""
        return list(self._commands)

    def _sign_user(self, user: str, groups: Iterable[str]) -> dict[str, str]:
        return certificate_user(*self._authority.client(re.sub(r"[^\w.-]", "-", user), user, groups))

    def import_image(self, archive: Path) -> None:
        """Once: it is kept for later clusters too."""
        import_image(self.at, archive)

    def launch(self, component: str) -> None:
        """Start it if it does not run; being ready is another matter."""
        program, *arguments = self._commands[component]
        if self.node.pid_of(Path(program)) is None:
            self.node.launch(Path(program), arguments, {**ENVIRON, "HOME": str(self.at.state)})

    def start(self, component: str) -> None:
        self.launch(component)
        self.wait_for(component)

    def stop(self, component: str, *, kill: bool = False) -> None:
        self.node.end(Path(self._commands[component][0]), kill=kill)

    def pid_of(self, component: str) -> int | None:
        """Its process while it runs."""
        return self.node.pid_of(Path(self._commands[component][0]))

    def wait_for(self, component: str, *, seconds: float = 60) -> None:
        """Wait until it does its work.

        Errors: AssertionError with the end of its log.
        """
        try:
            until(lambda: self._works(component), f"{component} is ready", seconds=seconds)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.node.tail(component)}") from late

    def _works(self, component: str) -> bool:
        if self.pid_of(component) is None:
            raise AssertionError(f"{component} has ended")
        with contextlib.suppress(OSError, NodeFailed):
            match component:
                case "containerd":
                    return bool(ctr(self.at, "version"))
                case "etcd" | "kube-apiserver":
                    return self.request("GET", "/readyz").status == 200
                case "kube-controller-manager":
                    account = "/api/v1/namespaces/default/serviceaccounts/default"
                    return self.request("GET", account).status == 200
                case "kubelet":
                    node = self.request("GET", f"/api/v1/nodes/{NODE}")
                    return node.status == 200 and _is_ready(node.body)
                case "kube-proxy" | "coredns":
                    return cluster_dns.answers()
                case _:
                    return True
        return False


def _is_ready(node: dict[str, Any]) -> bool:
    states = {each["type"]: each["status"] for each in node["status"].get("conditions", ())}
    return states.get("Ready") == "True"

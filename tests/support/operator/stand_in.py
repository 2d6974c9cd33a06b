"""Stands in for a kubelet: Pod objects that run, with a real sidecar behind a loopback address."""

import contextlib
import itertools
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.cluster.cluster import Cluster
from support.cluster.ending import ended_or_killed

from claude_operator import names

_PODS = "/api/v1/namespaces/{}/pods"
_numbers = itertools.count(1)


def free_address() -> str:
    """A loopback address on which nobody has the sidecar's port yet."""
    while True:
        address = (
            f"127.{secrets.randbelow(100) + 20}.{secrets.randbelow(250) + 1}.{secrets.randbelow(250) + 1}"
        )
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((address, names.ADMIN_PORT))
            return address


def pod_manifest(policy: str, **more: Any) -> dict[str, Any]:
    """A pod as the webhook leaves it; more: name, injected, annotations, owner."""
    name = more.get("name") or f"web-{next(_numbers)}"
    annotations = {names.POLICY: policy, **more.get("annotations", {})}
    spec: dict[str, Any] = {"containers": [{"name": "app", "image": "localhost/app:1"}]}
    if more.get("injected", True):
        annotations[names.STATUS] = "injected"
        sidecar = {"name": names.CONTAINER, "image": "localhost/sidecar:1", "restartPolicy": "Always"}
        spec["initContainers"] = [sidecar]
        source = {"name": names.configmap_name(policy), "optional": True}
        spec["volumes"] = [{"name": "claude-sidecar-policy", "configMap": source}]
    meta: dict[str, Any] = {"name": name, "annotations": annotations}
    if "owner" in more:
        meta["ownerReferences"] = [more["owner"]]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


class StandIns:
    """Pods in a cluster that somebody pretends to run."""

    def __init__(self, cluster: Cluster, folder: Path, stack: contextlib.ExitStack) -> None:
        self._cluster, self._folder, self._stack = cluster, folder, stack

    def make(self, namespace: str, policy: str, **more: Any) -> str:
        """A pod that was made and does not run yet; its name."""
        made = self._cluster.request("POST", _PODS.format(namespace), pod_manifest(policy, **more)).expect()
        return str(made["metadata"]["name"])

    def report(self, namespace: str, name: str, **status: Any) -> None:
        """Write a pod's status as a kubelet does; by default it runs and its sidecar has started."""
        said: dict[str, Any] = {
            "phase": "Running",
            "initContainerStatuses": [_container(status.pop("waiting", None), status.pop("started", True))],
            **status,
        }
        if "podIP" in said:
            said["podIPs"] = [{"ip": said["podIP"]}]
        path = f"{_PODS.format(namespace)}/{name}/status"
        self._cluster.request(
            "PATCH", path, {"status": said}, content_type="application/strategic-merge-patch+json"
        ).expect()

    def run(self, namespace: str, policy: str, **more: Any) -> "RunningPod":
        """A pod with a real sidecar that has the policy's ConfigMap; more: env for the sidecar."""
        address = free_address()
        env = more.pop("env", {})
        name = self.make(namespace, policy, **more)
        pod = RunningPod(self._cluster, namespace, name, policy, self._folder / name)
        pod.sync()
        self._stack.enter_context(pod.sidecar(address, env))
        self.report(namespace, name, podIP=address)
        return pod


class RunningPod:
    """A pod with a sidecar; folder: its volumes. port: where its app finds the sidecar, on 127.0.0.1."""

    def __init__(self, cluster: Cluster, namespace: str, name: str, policy: str, folder: Path) -> None:
        self._cluster, self.namespace, self.name, self._policy = cluster, namespace, name, policy
        self.secrets = folder / "secrets"
        self.secrets.mkdir(parents=True)
        self._file = folder / names.POLICY_KEY
        self.port = 0

    def sync(self) -> bool:
        """Do what the kubelet does: bring the volume to what the ConfigMap holds; whether there is one."""
        path = f"/api/v1/namespaces/{self.namespace}/configmaps/{names.configmap_name(self._policy)}"
        said = self._cluster.request("GET", path)
        if said.status != 200:
            return False
        fresh = self._file.with_suffix(".new")
        fresh.write_text(said.body["data"][names.POLICY_KEY])
        fresh.replace(self._file)
        return True

    def object(self) -> dict[str, Any]:
        """The pod."""
        found: dict[str, Any] = self._cluster.api.get(f"{_PODS.format(self.namespace)}/{self.name}")
        return found

    @contextlib.contextmanager
    def sidecar(self, address: str, env: dict[str, str]) -> Iterator[None]:
        """A real sidecar whose admin port is at the address."""
        options = ["--port", "0", "--admin-port", "0"]
        if self._file.exists():
            options += ["--policy", str(self._file)]
        environ = {**os.environ, "CLAUDE_SIDECAR_SECRETS_DIR": str(self.secrets), **env}
        command = [sys.executable, "-m", "claude_sidecar", "run", *options]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ)
        assert process.stderr
        drain = threading.Thread(target=process.stderr.read)
        try:
            port = None
            for line in process.stderr:
                said = json.loads(line)
                if said.get("message") == "ready":
                    self.port, port = said["port"], said["admin_port"]
                    break
            assert port, "the sidecar did not start"
            drain.start()
            with forwarded(address, port):
                yield
        finally:
            process.terminate()
            ended_or_killed(process)
            if drain.ident is not None:
                drain.join()
            process.stderr.close()


@contextlib.contextmanager
def forwarded(address: str, port: int) -> Iterator[None]:
    """The sidecar's port at an address leads to a port of 127.0.0.1."""
    listener = socket.create_server((address, names.ADMIN_PORT))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = listener.accept()
                threading.Thread(target=_join, args=(caller, port), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        # Closing alone does not wake a thread that accepts.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _join(caller: socket.socket, port: int) -> None:
    with contextlib.suppress(OSError), caller, socket.create_connection(("127.0.0.1", port)) as there:
        back = threading.Thread(target=_copy, args=(there, caller), daemon=True)
        back.start()
        _copy(caller, there)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def _container(waiting: str | None, started: bool) -> dict[str, Any]:
    state: dict[str, Any] = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    if waiting:
        state, started = {"waiting": {"reason": waiting}}, False
    return {
        "name": names.CONTAINER,
        "image": "localhost/sidecar:1",
        "imageID": "",
        "ready": started,
        "started": started,
        "restartCount": 0,
        "state": state,
    }

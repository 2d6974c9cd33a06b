"""The simulated Claude API in a namespace of its own, under two names: one for each route of a policy."""

import json
from typing import Any

from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.release.manifests import CONTAINER_SECURITY, POD_SECURITY, deployment, service
from support.release.rollout import roll_out

PORT = 8789
NAMES = ("first", "second")
KEYS = {"first": "sk-ant-api03-first-0123456789", "second": "sk-ant-api03-second-0123456789"}
"""Names in scenarios and the ledger, and what is sent; each is of an organisation of its own."""


class Upstream:
    """What a test does with it.

    Args:
        cluster: where it runs
        namespace: its own
    """

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def deploy(self, image: str) -> None:
        """Start it and wait until it answers."""
        pod = {
            "automountServiceAccountToken": False,
            "securityContext": POD_SECURITY,
            "containers": [
                {
                    "name": "simulator",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["claude-sidecar"],
                    "args": ["simulate", "--host", "0.0.0.0", "--port", str(PORT)],
                    "securityContext": {**CONTAINER_SECURITY, "readOnlyRootFilesystem": True},
                    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                    "readinessProbe": {"httpGet": {"path": "/_simulator/health", "port": PORT}},
                }
            ],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        }
        services = [service(name, PORT, app="claude") for name in NAMES]
        self.cluster.apply([deployment("claude", pod), *services], namespace=self.namespace)
        roll_out(self.cluster, self.namespace, "claude")
        until(self._answers, "the simulated API answers through its Service")
        self.play()

    def _answers(self) -> bool:
        return self.cluster.request("GET", self._path("health")).status == 200

    def endpoint(self, name: str) -> str:
        """Base URL of one of the two names."""
        return f"http://{name}.{self.namespace}.svc.cluster.local:{PORT}"

    def play(self, *rules: dict[str, Any], **scenario: Any) -> None:
        """Put a scenario in force, by default a healthy API, and forget what was served."""
        keys = [
            {"name": name, "key": key, "organization": f"organization of {name}"}
            for name, key in KEYS.items()
        ]
        whole = {"keys": keys, "unknown_keys": "refuse", "rules": list(rules), **scenario}
        self.cluster.request("PUT", self._path("scenario"), whole).expect()
        self.cluster.request("DELETE", self._path("ledger")).expect()

    def ledger(self) -> dict[str, Any]:
        """What was served since the scenario began."""
        said = self.cluster.request("GET", self._path("ledger"), seconds=60).expect()
        return said if isinstance(said, dict) else dict(json.loads(said))

    def calls(self) -> list[dict[str, Any]]:
        """The calls in it, health probes left out."""
        return [each for each in self.ledger()["calls"] if each["path"].startswith("/v1/")]

    def _path(self, what: str) -> str:
        service = f"/api/v1/namespaces/{self.namespace}/services/first:{PORT}/proxy"
        return f"{service}/_simulator/{what}"

"""An app in a cluster: a Deployment that calls Claude with the official SDK and knows of no sidecar."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.release.manifests import PORT, deployment, program_map, program_pod
from support.release.rollout import pods_of, roll_out

POLICY = "claude-sidecar.dev/policy"


class App:
    """A Deployment by what its owner does with it.

    Args:
        cluster, namespace: where it runs
        name: the Deployment's
        key: its ANTHROPIC_API_KEY, as a literal value; None: it has none
        environ: more variables
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str = "web",
        *,
        key: str | None = None,
        replicas: int = 1,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.cluster, self.namespace, self.name = cluster, namespace, name
        self._environ = {**({"ANTHROPIC_API_KEY": key} if key else {}), **(environ or {})}
        self._replicas = replicas

    def manifests(self) -> list[dict[str, Any]]:
        """What its owner applies."""
        return [
            program_map("app"),
            deployment(self.name, program_pod("app", self._environ), replicas=self._replicas),
        ]

    def deploy(self, **annotations: str) -> None:
        """Apply it, with annotations on the Deployment, and wait for its pods."""
        program, workload = self.manifests()
        workload["metadata"]["annotations"] = annotations
        self.cluster.apply([program, workload], namespace=self.namespace)
        self.roll_out()

    def annotate(self, policy: str | None) -> str:
        """`kubectl annotate deployment NAME claude-sidecar.dev/policy=POLICY`, or remove it; warnings."""
        change = f"{POLICY}-" if policy is None else f"{POLICY}={policy}"
        said = self.cluster.run_kubectl(
            "annotate", "deployment", self.name, change, "--overwrite", "-n", self.namespace
        )
        assert said.returncode == 0, said.stderr
        return said.stderr

    def restart(self) -> None:
        """`kubectl rollout restart`."""
        self.cluster.kubectl("rollout", "restart", f"deployment/{self.name}", "-n", self.namespace)

    def roll_out(self) -> None:
        """Wait until the newest template is what runs, and nothing else."""
        roll_out(self.cluster, self.namespace, self.name)
        until(lambda: len(self.pods()) == self._replicas, f"{self.name} has its pods and no more")

    def pods(self) -> list[dict[str, Any]]:
        """Its pods that are not going away."""
        return pods_of(self.cluster, self.namespace, self.name)

    def pod(self) -> dict[str, Any]:
        """The one pod of an app with one replica."""
        (pod,) = self.pods()
        return pod

    def ask(self, pod: dict[str, Any] | None = None, **query: str) -> dict[str, Any]:
        """Let a pod make one call by the SDK; see programs/app.py for the query and what is told."""
        name = (pod or self.pods()[0])["metadata"]["name"]
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}:{PORT}/proxy/ask?{urlencode(query)}"
        return self._json(path)

    def sidecar_status(self, pod: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the sidecar in a pod says at /status."""
        name = (pod or self.pods()[0])["metadata"]["name"]
        return self._json(f"/api/v1/namespaces/{self.namespace}/pods/{name}:8788/proxy/status")

    def sidecar_metrics(self, pod: dict[str, Any]) -> str:
        """What the sidecar in a pod says at /metrics."""
        name = pod["metadata"]["name"]
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}:8788/proxy/metrics"
        return str(self.cluster.request("GET", path, seconds=60).expect())

    def _json(self, path: str) -> dict[str, Any]:
        said = self.cluster.request("GET", path, seconds=60).expect()
        assert isinstance(said, dict), f"no JSON: {said!r}"
        return said

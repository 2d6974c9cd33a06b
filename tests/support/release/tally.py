"""Adds up how the calls of apps ended, in a pod of its own: the logs of pods that go away go with them."""

from typing import Any

from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.release.manifests import PORT, deployment, program_map, program_pod, service
from support.release.rollout import roll_out


class Tally:
    """The sums, told by the apps themselves."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def deploy(self) -> None:
        """Start it and wait until it is ready; it begins at nothing."""
        pod = program_pod("tally", {})
        objects = [program_map("tally"), deployment("tally", pod), service("tally", PORT, app="tally")]
        self.cluster.apply(objects, namespace=self.namespace)
        roll_out(self.cluster, self.namespace, "tally")

    @property
    def url(self) -> str:
        """Where apps tell."""
        return f"http://tally.{self.namespace}.svc.cluster.local:{PORT}/"

    def sums(self) -> dict[str, Any]:
        """`ended` by outcome, a few `examples` of failures, `tellers`: pods that told."""
        path = f"/api/v1/namespaces/{self.namespace}/services/tally:{PORT}/proxy/"
        said = self.cluster.request("GET", path).expect()
        assert isinstance(said, dict), f"no JSON: {said!r}"
        return said

    def ok(self) -> int:
        """Calls that ended well."""
        return int(self.sums()["ended"].get("ok", 0))

    def wait_for_more(self, calls: int, *, seconds: float = 60) -> None:
        """Wait until so many more calls ended well."""
        goal = self.ok() + calls
        until(lambda: self.ok() >= goal, f"{calls} more calls ended well", seconds=seconds)

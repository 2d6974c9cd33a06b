"""The webhook in a cluster: reconciler, replicas, a Service that leads to them, the configuration.

Replicas are processes of this machine, which a control plane elsewhere does not reach.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.cluster.cluster import Cluster
from support.operator.installation import Installation, installation
from support.operator.installed import install

POLICY = "claude-sidecar.dev/policy"


@pytest.fixture(scope="session")
def equipped(cluster: Cluster) -> Cluster:
    """The cluster with definition, rights and admission policies."""
    install(cluster)
    return cluster


@pytest.fixture
def parts(equipped: Cluster) -> Iterator[Installation]:
    """An installation of which nothing runs yet."""
    with installation(equipped) as found:
        yield found


@pytest.fixture(scope="module")
def webhook(equipped: Cluster) -> Iterator[Installation]:
    """An installation that works, for all tests of a module that leave it working."""
    with installation(equipped) as found:
        found.configure()
        found.reconcile()
        for at in range(2):
            found.replica(at)
        found.wait_until_ready()
        yield found


@pytest.fixture
def make_pod(equipped: Cluster, namespace: str) -> Callable[..., Any]:
    """Creates pods that name a policy, `make_pod(dry_run=True, annotations=..., spec=...)`."""

    def make(
        *,
        dry_run: bool = False,
        annotations: dict[str, str] | None = None,
        spec: dict[str, Any] | None = None,
        where: str = namespace,
    ) -> Any:
        pod = {
            "metadata": {
                "generateName": "p-",
                "annotations": {POLICY: "production"} if annotations is None else annotations,
            },
            "spec": {"containers": [{"name": "app", "image": "localhost/none:1"}], **(spec or {})},
        }
        query = "?dryRun=All" if dry_run else ""
        return equipped.request("POST", f"/api/v1/namespaces/{where}/pods{query}", pod).expect()

    return make

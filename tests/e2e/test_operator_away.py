"""While neither webhook nor reconciler is there: pods that run go on, new ones are told of later."""

import contextlib
import json
from collections.abc import Iterator

import pytest
from support.release.app import POLICY
from support.release.rollout import roll_out, sidecar_of
from support.release.shop import Shop
from support.release.stage import Stage

pytestmark = pytest.mark.whole_cluster


@contextlib.contextmanager
def operator_away(on: Stage) -> Iterator[None]:
    """Nothing of the operator runs; it is back, and ready, at the end of the block."""
    cluster, namespace = on.cluster, on.release.namespace
    found = json.loads(
        cluster.kubectl(
            "get", "deployments", "-n", namespace, "-l", "app.kubernetes.io/name=claude-sidecar", "-o", "json"
        )
    )["items"]
    replicas = {each["metadata"]["name"]: each["spec"]["replicas"] for each in found}
    assert len(replicas) == 2

    def scale(name: str, count: int) -> None:
        cluster.kubectl("scale", "deployment", name, f"--replicas={count}", "-n", namespace)

    try:
        for name in replicas:
            scale(name, 0)
        cluster.kubectl("wait", "pods", "--all", "--for=delete", "-n", namespace, "--timeout=120s")
        yield
    finally:
        for name, count in replicas.items():
            scale(name, count)
        for name in replicas:
            roll_out(cluster, namespace, name)


def test_pods_keep_their_policy_and_new_ones_start_without_a_sidecar_and_are_told_of(
    on_stage: Stage, shop: Shop
) -> None:
    app = shop.app()
    app.deploy(**{POLICY: "production"})
    first = app.pod()
    with operator_away(on_stage):
        shop.cluster.kubectl("scale", "deployment", app.name, "--replicas=2", "-n", shop.namespace)
        roll_out(shop.cluster, shop.namespace, app.name)
        (second,) = [each for each in app.pods() if each["metadata"]["uid"] != first["metadata"]["uid"]]
        assert sidecar_of(second) is None
        said = app.ask(first)
        assert (said["ok"], said["headers"]["x-claude-sidecar-route"]) == (True, "first")
    told = shop.policies.wait_for_event("Deployment", "web", "SidecarMissing")
    assert "kubectl rollout restart" in told
    app.restart()
    roll_out(shop.cluster, shop.namespace, app.name)
    assert all(sidecar_of(pod) for pod in app.pods())

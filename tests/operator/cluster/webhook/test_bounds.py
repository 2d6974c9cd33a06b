"""The sidecar where a namespace bounds what its pods may ask for."""

from collections.abc import Callable
from typing import Any

import pytest
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.operator.webhook_process import has_sidecar

MakePod = Callable[..., Any]
POLICY, CPU_LIMIT = "claude-sidecar.dev/policy", "claude-sidecar.dev/cpu-limit"
OWN = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}}

pytestmark = pytest.mark.usefixtures("webhook")


def limit(cluster: Cluster, namespace: str, **bounds: dict[str, str]) -> None:
    """Bounds of each container, as a LimitRange names them."""
    spec = {"limits": [{"type": "Container", **bounds}]}
    cluster.apply(
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}, "spec": spec},
        namespace=namespace,
    )


def quota(cluster: Cluster, namespace: str, **hard: str) -> Callable[[], dict[str, str]]:
    """A quota that is in force; returns what tells how much of it is used. `_` stands for a dot."""
    named = {key.replace("_", "."): value for key, value in hard.items()}
    cluster.apply(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": named}},
        namespace=namespace,
    )
    path = f"/api/v1/namespaces/{namespace}/resourcequotas/q"

    def used() -> dict[str, str]:
        found: dict[str, str] = cluster.api.get(path).get("status", {}).get("used", {})
        return found

    until(used, "the quota is in force")
    return used


def resources(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the sidecar and the app."""
    return [pod["spec"][kind][0]["resources"] for kind in ("initContainers", "containers")]


def test_defaults_of_a_limit_range_are_for_the_app_and_the_sidecar_keeps_its_own(
    cluster: Cluster, namespace: str, make_pod: MakePod
) -> None:
    limit(cluster, namespace, default={"cpu": "2"}, defaultRequest={"cpu": "1"})
    until(lambda: resources(make_pod(dry_run=True))[1], "the limits are in force")
    sidecar, app = resources(make_pod())
    assert sidecar == OWN
    assert app == {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}


def test_pod_that_a_limit_range_makes_guaranteed_stays_so(
    cluster: Cluster, namespace: str, make_pod: MakePod
) -> None:
    limit(cluster, namespace, default={"cpu": "1", "memory": "1Gi"})
    until(lambda: resources(make_pod(dry_run=True))[1], "the limits are in force")
    pod = make_pod()
    assert has_sidecar(pod)
    assert pod["status"]["qosClass"] == "Guaranteed"


def test_quota_that_wants_limits_of_all_admits_the_sidecar_and_counts_it(
    cluster: Cluster, namespace: str, make_pod: MakePod
) -> None:
    used = quota(cluster, namespace, limits_cpu="4", requests_cpu="1", limits_memory="2Gi")
    exact = {"requests": {"cpu": "100m"}, "limits": {"cpu": "500m", "memory": "64Mi"}}
    container = {"name": "app", "image": "localhost/none:1", "resources": exact}
    assert has_sidecar(make_pod(spec={"containers": [container]}))
    assert used() == {"limits.cpu": "1500m", "requests.cpu": "150m", "limits.memory": "320Mi"}


def test_sidecar_that_a_limit_range_refuses_is_told_on_the_deployment_and_an_annotation_cures_it(
    cluster: Cluster, namespace: str
) -> None:
    limit(cluster, namespace, max={"cpu": "500m"})
    container = {"name": "app", "image": "localhost/none:1", "resources": {"limits": {"cpu": "100m"}}}
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels, "annotations": {POLICY: "production"}}}
    web = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {**template, "spec": {"containers": [container]}},
        },
    }
    cluster.apply(web, namespace=namespace)
    events = (
        f"/api/v1/namespaces/{namespace}/events?fieldSelector=reason%3DPodsRefused,involvedObject.name%3Dweb"
    )
    until(lambda: cluster.api.get(events)["items"], "the refusal is told")
    (event,) = cluster.api.get(events)["items"]
    assert event["involvedObject"]["kind"] == "Deployment"
    assert "maximum cpu usage per Container is 500m" in event["message"]
    lower = {"spec": {"template": {"metadata": {"annotations": {CPU_LIMIT: "500m"}}}}}
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    cluster.request("PATCH", path, lower, content_type="application/merge-patch+json").expect()
    pods = f"/api/v1/namespaces/{namespace}/pods"
    made = until(lambda: cluster.api.get(pods)["items"], "its pods are made")
    assert resources(made[0])[0]["limits"]["cpu"] == "500m"

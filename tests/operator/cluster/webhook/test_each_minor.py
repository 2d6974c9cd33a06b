"""Both processes together on an API server of each minor: what a user does first, from nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from support.cluster.api_client import MERGE_PATCH, ApiClient
from support.cluster.claude_policies import POLICIES, policy
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.operator.installation import Installation, installation
from support.operator.installed import NAMESPACE, install
from support.operator.webhook_process import has_sidecar

pytestmark = pytest.mark.own_control_plane

ANNOTATED = "claude-sidecar.dev/policy=production"


@pytest.fixture(scope="module")
def installed(each_cluster: Cluster) -> Iterator[Installation]:
    """An installation that works, on each minor."""
    install(each_cluster)
    with installation(each_cluster) as found:
        found.configure()
        found.reconcile()
        for at in range(2):
            found.replica(at)
        found.wait_until_ready()
        yield found


@pytest.fixture
def here(installed: Installation) -> Iterator[str]:
    """A namespace where Pod Security is restricted."""
    name = installed.cluster.namespace(labels={"pod-security.kubernetes.io/enforce": "restricted"})
    yield name
    installed.cluster.remove_namespace(name)


def web() -> dict[str, Any]:
    """A Deployment that may run there."""
    labels = {"app": "web"}
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "app", "image": "localhost/none:1", "securityContext": security}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def test_policy_is_programmed_and_a_bad_one_refused(installed: Installation, here: str) -> None:
    cluster, path = installed.cluster, POLICIES.format(here)
    cluster.request("POST", path, policy({"retry": {"maxAttempts": 2}}, "production")).expect()
    wanted = ("-n", here, "wait", "--for=condition=Programmed", "cpol/production", "--timeout=120s")
    cluster.kubectl(*wanted)
    data = cluster.api.get(f"/api/v1/namespaces/{here}/configmaps/claude-policy-production")["data"]
    assert "maxAttempts: 2" in data["policy.yaml"]
    assert cluster.request("POST", path, policy({"retry": {"maxAttempts": 99}}, "bad")).status == 422


def test_annotated_deployment_is_rolled_out_once_and_scaled_without_another_rollout(
    installed: Installation, here: str
) -> None:
    cluster = installed.cluster
    pods, sets = f"/api/v1/namespaces/{here}/pods", f"/apis/apps/v1/namespaces/{here}/replicasets"
    cluster.apply(web(), namespace=here)
    until(lambda: cluster.api.get(pods)["items"], "a pod")
    cluster.kubectl("-n", here, "annotate", "deployment", "web", ANNOTATED)
    until(lambda: any(map(has_sidecar, cluster.api.get(pods)["items"])), "a pod with a sidecar")
    cluster.kubectl("-n", here, "scale", "deployment", "web", "--replicas=4")
    # Without a kubelet no pod gets ready, so the rollout stays half done; it must be the only one.
    until(lambda: len(cluster.api.get(pods)["items"]) >= 4, "it is scaled")
    assert len(cluster.api.get(sets)["items"]) == 2


def test_operator_may_not_change_a_pod_but_for_its_nudge(installed: Installation, here: str) -> None:
    cluster = installed.cluster
    spec = web()["spec"]["template"]["spec"]
    path = f"/api/v1/namespaces/{here}/pods"
    cluster.request("POST", path, {"metadata": {"name": "p"}, "spec": spec}).expect()
    account = ApiClient(cluster.kubeconfig_for_service_account(NAMESPACE, "claude-sidecar-reconcile"))

    def patched(**metadata: Any) -> int:
        change = {"metadata": metadata}
        return account.request("PATCH", f"{path}/p", change, content_type=MERGE_PATCH).status

    assert patched(annotations={"claude-sidecar.dev/nudge": "1"}) == 200
    assert patched(labels={"a": "b"}) == 422

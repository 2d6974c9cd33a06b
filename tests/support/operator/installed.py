"""The operator's part of the chart in a cluster where its processes are run by tests."""

import copy
from typing import Any

from support.cluster.api_client import MERGE_PATCH, ApiClient
from support.cluster.claude_policies import define
from support.cluster.cluster import Cluster
from support.cluster.helm import NAMESPACE, rendered
from support.cluster.waiting import until
from support.operator.rights import RECONCILE, may

TEMPLATES = (
    "serviceaccounts",
    "reconcile-rbac",
    "webhook-rbac",
    "user-roles",
    "configmaps-admission-policy",
    "webhook-configuration-fence",
    "secrets-admission-policy",
    "nudge",  # the last one: once that is in force, the others are
)


def documents(template: str) -> list[dict[str, Any]]:
    """The objects that one of the chart's templates makes with the usual values, for the caller to change."""
    return copy.deepcopy(rendered()[template])


def install(cluster: Cluster) -> None:
    """Everything but the webhook's configuration; to do it twice changes nothing."""
    define(cluster)
    cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}}).expect(201, 409)
    for template in TEMPLATES:
        cluster.apply(documents(template), namespace=NAMESPACE)
    until(lambda: may(cluster, RECONCILE, "patch", "pods"), "the rights are in force")
    _wait_for_fence(cluster)


def _wait_for_fence(cluster: Cluster) -> None:
    """API servers take a moment until an admission policy is in force."""
    account = ApiClient(cluster.kubeconfig_for_service_account(NAMESPACE, "claude-sidecar-reconcile"))
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    until(
        lambda: cluster.request("GET", pods.replace("pods", "serviceaccounts/default")).status == 200,
        "pods can be made",
    )
    pod = {"metadata": {"name": "fenced"}, "spec": {"containers": [{"name": "a", "image": "localhost/a:1"}]}}
    cluster.request("POST", pods, pod).expect(201, 409)
    change = {"metadata": {"labels": {"a": "b"}}}
    path = f"{pods}/fenced?dryRun=All"
    until(
        lambda: account.request("PATCH", path, change, content_type=MERGE_PATCH).status == 422,
        "the fence around pods is in force",
    )
    cluster.request("DELETE", f"{pods}/fenced?gracePeriodSeconds=0").expect(200, 404)

"""The cluster that the other tests here stand on: what is on in it, and that it does what a real one does."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.cluster.api_client import ApiClient
from support.cluster.cluster import Cluster, KubectlFailed
from support.cluster.programs import minors
from support.cluster.waiting import until

GADGET = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gadgets.smoke.example"},
    "spec": {
        "group": "smoke.example",
        "scope": "Namespaced",
        "names": {"kind": "Gadget", "plural": "gadgets", "singular": "gadget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {"low": {"type": "integer"}, "high": {"type": "integer"}},
                                "x-kubernetes-validations": [
                                    {"rule": "self.low <= self.high", "message": "low is above high"}
                                ],
                            }
                        },
                    }
                },
            }
        ],
    },
}
POD_SPEC = {"containers": [{"name": "app", "image": "localhost/none:1"}]}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": POD_SPEC},
    },
}
Json = dict[str, Any]


def gadget(low: int, high: int) -> Json:
    """An object of the CRD above."""
    spec = {"low": low, "high": high}
    return {"apiVersion": "smoke.example/v1", "kind": "Gadget", "metadata": {"name": "it"}, "spec": spec}


def config_map(name: str) -> Json:
    """The least object there is."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def no_ducks(namespace: str) -> list[Json]:
    """An admission policy, in force in one namespace."""
    group = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    kind, version = "ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1"
    name = f"no-ducks.{namespace}"
    rule = {"expression": "object.metadata.name != 'duck'", "message": "no ducks here"}
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return [
        {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": name},
            "spec": {"matchConstraints": {"resourceRules": [group]}, "validations": [rule]},
        },
        {
            "apiVersion": version,
            "kind": f"{kind}Binding",
            "metadata": {"name": name},
            "spec": {
                "policyName": name,
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": here},
            },
        },
    ]


@pytest.fixture
def here(each_cluster: Cluster) -> Iterator[str]:
    """A namespace in the cluster of each minor."""
    name = each_cluster.namespace()
    yield name
    each_cluster.remove_namespace(name)


@pytest.fixture
def gadgets(each_cluster: Cluster) -> Iterator[None]:
    """The CRD above, until the test ends."""
    each_cluster.apply(GADGET)
    each_cluster.kubectl("wait", "--for=condition=Established", "crd/gadgets.smoke.example", "--timeout=120s")
    listed = "get", "gadgets", "-n", "default"
    until(lambda: each_cluster.run_kubectl(*listed).returncode == 0, "kubectl can find the kind")
    yield
    each_cluster.kubectl("delete", "crd", "gadgets.smoke.example", "--wait=false")


def test_server_is_of_the_minor_it_was_built_for(
    each_cluster: Cluster, request: pytest.FixtureRequest
) -> None:
    if minors() != ["given"]:
        assert each_cluster.minor == request.node.callspec.params["each_cluster"]


def test_crd_with_cel_refuses_and_accepts(each_cluster: Cluster, here: str, gadgets: None) -> None:
    with pytest.raises(KubectlFailed, match="low is above high"):
        each_cluster.kubectl("create", "-n", here, "-f-", stdin=gadget(2, 1))
    each_cluster.kubectl("create", "-n", here, "-f-", stdin=gadget(1, 2))


def test_user_may_do_what_rbac_gives_and_no_more(each_cluster: Cluster, here: str) -> None:
    jane = each_cluster.kubeconfig_for("jane", ["editors"])
    with pytest.raises(KubectlFailed, match='User "jane" cannot list resource "configmaps"'):
        each_cluster.kubectl("get", "configmaps", "-n", here, kubeconfig=jane)
    each_cluster.kubectl("create", "rolebinding", "e", "--clusterrole=edit", "--group=editors", "-n", here)
    until(
        lambda: ApiClient(jane).request("GET", f"/api/v1/namespaces/{here}/configmaps").status == 200,
        "the role is in force",
    )
    each_cluster.kubectl("create", "-n", here, "-f-", stdin=config_map("a"), kubeconfig=jane)


def test_service_account_is_known_by_its_token(each_cluster: Cluster, here: str) -> None:
    account = each_cluster.kubeconfig_for_service_account(here, "default")
    said = json.loads(each_cluster.kubectl("auth", "whoami", "-o", "json", kubeconfig=account))
    assert said["status"]["userInfo"]["username"] == f"system:serviceaccount:{here}:default"


def test_deployment_makes_pods_and_garbage_collection_takes_them(each_cluster: Cluster, here: str) -> None:
    pods = f"/api/v1/namespaces/{here}/pods"
    each_cluster.kubectl("create", "-n", here, "-f-", stdin=DEPLOYMENT)
    until(lambda: len(each_cluster.api.get(pods)["items"]) == 2, "the Deployment has 2 pods")
    each_cluster.kubectl("delete", "deployment", "web", "-n", here, "--wait=false")
    until(lambda: not each_cluster.api.get(pods)["items"], "the pods are gone")


def test_job_makes_a_pod(each_cluster: Cluster, here: str) -> None:
    each_cluster.kubectl("create", "job", "once", "--image=localhost/none:1", "-n", here)
    pods = f"/api/v1/namespaces/{here}/pods"
    until(lambda: len(each_cluster.api.get(pods)["items"]) == 1, "the Job has a pod")


def test_namespace_is_deleted_with_what_is_in_it(each_cluster: Cluster) -> None:
    name = each_cluster.namespace()
    each_cluster.kubectl("create", "-n", name, "-f-", stdin=config_map("a"))
    each_cluster.remove_namespace(name)
    until(
        lambda: each_cluster.request("GET", f"/api/v1/namespaces/{name}").status == 404,
        "the namespace is gone",
    )


def test_admission_policy_refuses_by_its_expression(each_cluster: Cluster, here: str) -> None:
    policy = no_ducks(here)
    each_cluster.apply(policy)

    def refused() -> bool:
        dry = f"/api/v1/namespaces/{here}/configmaps?dryRun=All"
        return "no ducks here" in each_cluster.request("POST", dry, config_map("duck")).message

    try:
        until(refused, "the admission policy is in force")
        each_cluster.kubectl("create", "-n", here, "-f-", stdin=config_map("goose"))
    finally:
        stdin = {"apiVersion": "v1", "kind": "List", "items": policy}
        each_cluster.kubectl("delete", "--wait=false", "-f-", stdin=stdin)


def test_pod_security_refuses_what_is_not_restricted(each_cluster: Cluster) -> None:
    name = each_cluster.namespace(labels={"pod-security.kubernetes.io/enforce": "restricted"})
    pod = {"metadata": {"name": "a"}, "spec": POD_SPEC}
    reply = each_cluster.request("POST", f"/api/v1/namespaces/{name}/pods", pod)
    each_cluster.remove_namespace(name)
    assert (reply.status, "violates PodSecurity" in reply.message) == (403, True)


def test_limit_range_gives_defaults_and_quota_refuses(each_cluster: Cluster, here: str) -> None:
    limits = {"limits": [{"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"cpu": "1"}}]}
    named = {"metadata": {"name": "it"}}
    core = {"apiVersion": "v1"}
    each_cluster.apply([{**core, "kind": "LimitRange", **named, "spec": limits}], namespace=here)
    quota = {"hard": {"requests.cpu": "1500m"}}
    each_cluster.apply([{**core, "kind": "ResourceQuota", **named, "spec": quota}], namespace=here)
    pods = f"/api/v1/namespaces/{here}/pods"
    until(
        lambda: (
            each_cluster.api.get(f"/api/v1/namespaces/{here}/resourcequotas/it").get("status", {}).get("hard")
        ),
        "the quota is counted",
    )
    first = each_cluster.request("POST", pods, {"metadata": {"name": "a"}, "spec": POD_SPEC}).expect()
    assert first["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1"}
    second = each_cluster.request("POST", pods, {"metadata": {"name": "b"}, "spec": POD_SPEC})
    assert (second.status, "exceeded quota" in second.message) == (403, True)

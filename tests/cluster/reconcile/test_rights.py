"""What the accounts of the two processes may do, and what users may by the usual roles."""

import pytest
from kube.cluster import Cluster
from operating.installed import NAMESPACE

RECONCILE = f"system:serviceaccount:{NAMESPACE}:claude-sidecar-reconcile"
WEBHOOK = f"system:serviceaccount:{NAMESPACE}:claude-sidecar-webhook"
CORE, POLICIES = "", "claude-sidecar.dev"


def may(cluster: Cluster, user: str, verb: str, resource: str, group: str = CORE, **more: str) -> bool:
    """Whether a user may do something; more: namespace, name, subresource."""
    asked = {"verb": verb, "resource": resource, "group": group, **more}
    body = {"spec": {"user": user, "resourceAttributes": asked}}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    allowed: bool = cluster.request("POST", path, body).expect()["status"]["allowed"]
    return allowed


@pytest.mark.parametrize("user", [RECONCILE, WEBHOOK])
@pytest.mark.parametrize("verb", ["get", "list", "watch", "update", "patch", "delete"])
def test_no_process_may_touch_secrets_but_the_certificate(equipped: Cluster, user: str, verb: str) -> None:
    assert not may(equipped, user, verb, "secrets", namespace="shop")
    assert not may(equipped, user, verb, "secrets", namespace="shop", name="claude-keys")
    assert not may(equipped, user, verb, "secrets", namespace=NAMESPACE, name="another")


@pytest.mark.parametrize(
    ("verb", "resource", "group"),
    [
        ("update", "pods", CORE),
        ("delete", "pods", CORE),
        ("create", "pods", CORE),
        ("create", "pods/exec", CORE),
        ("update", "claudepolicies", POLICIES),
        ("patch", "claudepolicies", POLICIES),
        ("delete", "claudepolicies", POLICIES),
        ("update", "deployments", "apps"),
        ("patch", "deployments", "apps"),
        ("patch", "namespaces", CORE),
        ("delete", "events", CORE),
        ("impersonate", "users", CORE),
        ("create", "clusterrolebindings", "rbac.authorization.k8s.io"),
        ("patch", "validatingadmissionpolicies", "admissionregistration.k8s.io"),
    ],
)
def test_reconciler_may_do_no_more_than_it_does(
    equipped: Cluster, verb: str, resource: str, group: str
) -> None:
    assert not may(equipped, RECONCILE, verb, resource, group, namespace="shop")
    assert not may(equipped, WEBHOOK, verb, resource, group, namespace="shop")


def test_other_webhook_configurations_are_out_of_reach(equipped: Cluster) -> None:
    group, kind = "admissionregistration.k8s.io", "mutatingwebhookconfigurations"
    assert may(equipped, RECONCILE, "patch", kind, group, name="claude-sidecar")
    assert not may(equipped, RECONCILE, "patch", kind, group, name="another")


@pytest.mark.parametrize(
    ("role", "reads", "writes"), [("view", True, False), ("edit", True, True), ("admin", True, True)]
)
def test_usual_roles_hold_the_rights_on_policies(
    equipped: Cluster, namespace: str, role: str, reads: bool, writes: bool
) -> None:
    user = f"{role}-of-{namespace}"
    equipped.kubectl(
        "-n", namespace, "create", "rolebinding", role, f"--clusterrole={role}", f"--user={user}"
    )
    said = (
        equipped.kubectl("auth", "can-i", "get", "claudepolicies", "-n", namespace, f"--as={user}")
        if reads
        else ""
    )
    assert (said.strip() == "yes") is reads
    assert may(equipped, user, "create", "claudepolicies", POLICIES, namespace=namespace) is writes
    assert may(equipped, user, "delete", "claudepolicies", POLICIES, namespace=namespace) is writes
    assert not may(
        equipped, user, "patch", "claudepolicies", POLICIES, namespace=namespace, subresource="status"
    )

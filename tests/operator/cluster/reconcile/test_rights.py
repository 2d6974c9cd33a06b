"""What the accounts of the two processes may do, and what users may by the usual roles."""

import pytest
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.operator.rights import NAMESPACE, RECONCILE, WEBHOOK, may

CORE, POLICIES = "", "claude-sidecar.dev"


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


@pytest.mark.parametrize(("role", "writes"), [("view", False), ("edit", True), ("admin", True)])
def test_usual_roles_hold_the_rights_on_policies(
    equipped: Cluster, namespace: str, role: str, writes: bool
) -> None:
    user = f"{role}-of-{namespace}"
    equipped.kubectl(
        "-n", namespace, "create", "rolebinding", role, f"--clusterrole={role}", f"--user={user}"
    )

    def it_may(verb: str, **more: str) -> bool:
        return may(equipped, user, verb, "claudepolicies", POLICIES, namespace=namespace, **more)

    until(lambda: it_may("get"), f"{role} may read")
    assert it_may("create") is writes
    assert it_may("delete") is writes
    assert not it_may("patch", subresource="status")

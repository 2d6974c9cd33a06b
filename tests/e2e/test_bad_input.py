"""What users get wrong in a cluster: pods start all the same, and it is said where they look."""

import pytest
from support.cluster.waiting import until
from support.release.app import POLICY
from support.release.rollout import sidecar_of
from support.release.shop import Shop

pytestmark = pytest.mark.whole_cluster


def test_policy_that_does_not_exist_yet_is_told_and_heals(shop: Shop) -> None:
    app = shop.app()
    app.deploy(**{POLICY: "later"})
    assert sidecar_of(app.pod())
    told = shop.policies.wait_for_event("Deployment", "web", "PolicyNotFound")
    assert "later" in told
    assert app.sidecar_status()["source"] == "built-in"
    shop.policies.apply("later", **shop.two_routes())
    until(lambda: app.ask()["ok"], "the policy that came later is in force", seconds=90)


def test_policy_of_another_namespace_is_not_found(shop: Shop, other_shop: Shop) -> None:
    other_shop.policies.apply("theirs", **other_shop.two_routes())
    app = shop.app()
    app.deploy()
    warned = app.annotate("theirs")
    app.roll_out()
    assert "theirs" in warned
    assert shop.namespace in shop.policies.wait_for_event("Deployment", "web", "PolicyNotFound")
    assert "theirs" in app.pod()["metadata"]["annotations"]["claude-sidecar.dev/warnings"]
    assert app.sidecar_status()["policy"] != "theirs"


def test_file_that_is_bad_at_the_first_start_leaves_the_built_in_defaults(shop: Shop) -> None:
    garbage = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "claude-policy-broken"}}
    shop.cluster.apply({**garbage, "data": {"policy.yaml": "spec: {routes: ["}}, namespace=shop.namespace)
    app = shop.app()
    app.deploy(**{POLICY: "broken"})
    until(lambda: app.sidecar_status()["lastError"], "the sidecar says what is wrong")
    status = app.sidecar_status()
    assert "is not YAML" in status["lastError"]
    assert status["source"] == "built-in"


def test_services_that_put_variables_of_the_sidecars_names_into_pods_do_no_harm(shop: Shop) -> None:
    for name in ("claude-sidecar", "claude-sidecar-admin"):
        shop.cluster.kubectl("create", "service", "clusterip", name, "--tcp=8788", "-n", shop.namespace)
    app = shop.app()
    app.deploy(**{POLICY: "production"})
    assert app.ask()["ok"]


def test_namespace_label_is_the_default_for_its_pods(shop: Shop) -> None:
    shop.cluster.kubectl("label", "namespace", shop.namespace, f"{POLICY}=production")
    app = shop.app()
    app.deploy()
    assert sidecar_of(app.pod())
    assert app.ask()["ok"]


def test_namespace_without_labels_is_served_like_any_other(privileged_shop: Shop) -> None:
    app = privileged_shop.app()
    app.deploy()
    app.annotate("production")
    app.roll_out()
    assert app.ask()["headers"]["x-claude-sidecar-route"] == "first"


def test_pod_that_cannot_have_a_sidecar_starts_without_and_says_why(privileged_shop: Shop) -> None:
    app = privileged_shop.app()
    program, workload = app.manifests()
    workload["spec"]["template"]["spec"]["hostNetwork"] = True
    workload["spec"]["template"]["metadata"]["annotations"] = {POLICY: "production"}
    privileged_shop.cluster.apply([program, workload], namespace=privileged_shop.namespace)
    app.roll_out()
    pod = app.pod()
    assert sidecar_of(pod) is None
    assert pod["metadata"]["annotations"]["claude-sidecar.dev/status"].startswith("skipped: ")
    privileged_shop.policies.wait_for_event("Deployment", "web", "SidecarSkipped")

"""Events on workloads, with real controllers that make their pods."""

from typing import Any

import pytest
from support.cluster.waiting import until
from support.operator.operator_process import OperatorProcess
from support.operator.stand_in import StandIns

from claude_operator import names

ASKS = {names.POLICY: "production"}


@pytest.fixture(autouse=True)
def _running(operator: OperatorProcess) -> None:
    """Every test here has its operator."""


def deployment(annotations: dict[str, str], template: dict[str, str], **container: Any) -> dict[str, Any]:
    """A deployment with annotations of its own and of its template; container: more of its container."""
    labels = {"app": "web"}
    spec = {"containers": [{"name": "app", "image": "localhost/app:1", **container}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "annotations": annotations},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, "annotations": template}, "spec": spec},
        },
    }


def asking(**container: Any) -> dict[str, Any]:
    """A deployment whose template asks for the policy."""
    return deployment({}, ASKS, **container)


def wait_for_event(policies, kind: str, name: str, reason: str) -> dict[str, Any]:
    """The event, as soon as it is told."""
    until(lambda: (kind, name, reason) in policies.reasons(), f"{reason} is told of {kind} {name}")
    (event,) = (each for each in policies.events() if each["reason"] == reason)
    return event


def test_annotated_deployment_whose_template_nobody_annotated_is_told(policies) -> None:
    policies.apply()
    policies.cluster.apply(deployment(ASKS, {}), namespace=policies.namespace)
    event = wait_for_event(policies, "Deployment", "web", "SidecarMissing")
    assert (event["type"], event["count"]) == ("Warning", 1)
    assert "did not reach the pod template" in event["message"]


def test_pods_that_came_without_their_sidecar_are_told_once_on_the_deployment(policies) -> None:
    policies.apply()
    wanted = asking()
    wanted["spec"]["replicas"] = 3
    policies.cluster.apply(wanted, namespace=policies.namespace)
    wait_for_event(policies, "Deployment", "web", "SidecarMissing")
    pods = f"/api/v1/namespaces/{policies.namespace}/pods"
    until(lambda: len(policies.cluster.api.get(pods)["items"]) == 3, "all pods are there")
    assert [each for each in policies.reasons() if each[2] == "SidecarMissing"] == [
        ("Deployment", "web", "SidecarMissing")
    ]


def test_policy_that_does_not_exist_is_told_and_told_no_more_once_it_does(policies) -> None:
    wanted = asking()
    policies.cluster.apply(wanted, namespace=policies.namespace)
    event = wait_for_event(policies, "Deployment", "web", "PolicyNotFound")
    assert "There is no ClaudePolicy production" in event["message"]
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    policies.delete()
    # The state is back, and the one event of it is counted up.
    until(lambda: wait_for_event(policies, "Deployment", "web", "PolicyNotFound")["count"] == 2, "again")


def test_quota_that_refuses_pods_is_told_with_the_servers_words(policies) -> None:
    policies.apply()
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q"},
        "spec": {"hard": {"pods": "0"}},
    }
    policies.cluster.apply(quota, namespace=policies.namespace)
    path = f"/api/v1/namespaces/{policies.namespace}/resourcequotas/q"
    until(lambda: policies.cluster.api.get(path).get("status"), "the quota is in force")
    wanted = asking()
    policies.cluster.apply(wanted, namespace=policies.namespace)
    event = wait_for_event(policies, "Deployment", "web", "PodsRefused")
    assert "exceeded quota: q" in event["message"]


def test_limit_range_that_refuses_pods_is_told(policies) -> None:
    policies.apply()
    bound = {"type": "Container", "max": {"cpu": "100m"}}
    limits = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "l"},
        "spec": {"limits": [bound]},
    }
    policies.cluster.apply(limits, namespace=policies.namespace)
    greedy = {"limits": {"cpu": "2"}}
    pod = {
        "metadata": {"name": "tried"},
        "spec": {"containers": [{"name": "app", "image": "localhost/none:1", "resources": greedy}]},
    }
    tried = f"/api/v1/namespaces/{policies.namespace}/pods?dryRun=All"
    until(lambda: policies.cluster.request("POST", tried, pod).status == 403, "the bound is in force")
    wanted = asking(resources=greedy)
    wanted["kind"] = "StatefulSet"
    wanted["spec"]["serviceName"] = "web"
    policies.cluster.apply(wanted, namespace=policies.namespace)
    event = wait_for_event(policies, "StatefulSet", "web", "PodsRefused")
    assert "maximum cpu usage per Container is 100m" in event["message"]


def test_image_of_the_sidecar_that_cannot_be_pulled_is_told(policies, stand_ins: StandIns) -> None:
    policies.apply()
    name = stand_ins.make(policies.namespace, "production")
    stand_ins.report(policies.namespace, name, phase="Pending", waiting="ImagePullBackOff")
    wait_for_event(policies, "Pod", name, "SidecarImage")


def test_skipped_pod_is_told_with_the_reason(policies, stand_ins: StandIns) -> None:
    policies.apply()
    skipped = {names.STATUS: "skipped: the pod uses the host's network"}
    name = stand_ins.make(policies.namespace, "production", injected=False, annotations=skipped)
    event = wait_for_event(policies, "Pod", name, "SidecarSkipped")
    assert event["message"] == "Pods have no sidecar: the pod uses the host's network"

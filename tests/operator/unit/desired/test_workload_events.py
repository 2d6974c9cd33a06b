"""Events on workloads: what asks for a sidecar and has none, names no policy, or cannot start."""

from dataclasses import replace
from typing import Any

import pytest
from support.worlds.make import world
from support.worlds.objects import config_map, namespace, owner, pod, policy, workload
from support.worlds.server import after, appraise

from claude_operator import names
from claude_operator.desired.decide import decide
from claude_operator.desired.world import Namespace, World

ASKS = {names.POLICY: "production"}
COPIED = {**ASKS, names.POLICY_FROM: names.FROM_WORKLOAD}
RS = owner("ReplicaSet", "web-5d4f")
QUOTA = 'Error creating: pods "web-5d4f-x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3'
LIMITS = 'Error creating: pods "web-5d4f-x" is forbidden: maximum cpu usage per Pod is 100m, but limit is 1'


def told(seen: World) -> list[tuple[str, str, str]]:
    """(kind, name, reason) of all events on workloads."""
    events = decide(seen, appraise).events
    return [(event.subject.kind, event.subject.name, event.reason) for event in events]


def of_deployment(pods: list[dict[str, Any]], **more: Any) -> World:
    """A deployment with template annotated, its ReplicaSet and these pods; and the policy."""
    deployment = workload(annotations=ASKS, template=more.pop("template", COPIED))
    replica_set = workload("ReplicaSet", "web-5d4f", owner=owner("Deployment", "web"), annotations=ASKS)
    policies = more.pop("policies", [policy()])
    return world(policies, pods, [deployment, replica_set], **more)


def refusal(message: str, about: str = RS["uid"]) -> dict[str, Any]:
    meta = {"namespace": "shop", "name": "web.1", "uid": "e", "resourceVersion": "1"}
    return {"metadata": meta, "involvedObject": {"uid": about}, "message": message}


def test_healthy_workload_is_not_told_of() -> None:
    assert told(of_deployment([pod(owner=RS)])) == []


def test_pod_without_its_sidecar_is_told_on_the_deployment_once() -> None:
    pods = [pod(f"web-{number}", injected=False, owner=RS) for number in range(3)]
    assert told(of_deployment(pods)) == [("Deployment", "web", "SidecarMissing")]


def test_annotation_that_never_reached_the_template_is_told() -> None:
    assert told(of_deployment([], template={})) == [("Deployment", "web", "SidecarMissing")]


def test_annotation_that_no_policy_can_have_as_its_name_is_told_as_that() -> None:
    asked = workload(annotations={names.POLICY: "Bad_Name"}, template={})
    (event,) = decide(world([policy()], [], [asked]), appraise).events
    assert (event.reason, "Bad_Name" in event.message) == ("PolicyNotFound", True)


def test_copy_that_is_behind_the_workloads_annotation_is_told() -> None:
    behind = {names.POLICY: "old", names.POLICY_FROM: names.FROM_WORKLOAD}
    seen = of_deployment([], template=behind, policies=[policy(), policy("old")])
    assert told(seen) == [("Deployment", "web", "SidecarMissing")]


def test_template_with_a_policy_of_its_own_wins_and_is_not_told_of() -> None:
    seen = of_deployment([], template={names.POLICY: "own"}, policies=[policy(), policy("own")])
    assert told(seen) == []


def test_skip_is_told_with_its_reason() -> None:
    skipped = pod(injected=False, owner=RS, annotations={names.STATUS: "skipped: hostNetwork"})
    (event,) = decide(of_deployment([skipped]), appraise).events
    assert event.reason == "SidecarSkipped"
    assert event.message == "Pods have no sidecar: hostNetwork"


def test_policy_that_is_not_there_is_told() -> None:
    assert told(of_deployment([pod(owner=RS)], policies=[])) == [("Deployment", "web", "PolicyNotFound")]


def test_policy_that_was_deleted_while_in_use_is_told() -> None:
    ours = config_map("claude-policy-production", labels={names.POLICY_UID: "u"})
    assert told(world(pods=[pod()], config_maps=[ours])) == [("Pod", "web-1", "PolicyNotFound")]


@pytest.mark.parametrize("message", [QUOTA, LIMITS], ids=["quota", "LimitRange"])
def test_refused_pods_are_told_with_the_servers_words(message: str) -> None:
    (event,) = decide(of_deployment([], refusals=[refusal(message)]), appraise).events
    assert (event.subject.name, event.reason) == ("web", "PodsRefused")
    assert message.split("forbidden: ")[1] in event.message
    assert "web-5d4f-x" not in event.message


def test_refusals_for_other_reasons_are_not_ours_to_tell() -> None:
    message = 'Error creating: pods "x" is forbidden: error looking up service account shop/web'
    assert told(of_deployment([], refusals=[refusal(message)])) == []


def test_refused_pods_of_a_workload_that_asks_for_nothing_are_not_ours_to_tell() -> None:
    stateful = workload("StatefulSet", "db")
    seen = world([policy()], workloads=[stateful], refusals=[refusal(QUOTA, stateful["metadata"]["uid"])])
    assert told(seen) == []


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"])
def test_image_that_cannot_be_pulled_is_told(reason: str) -> None:
    waiting = pod(owner=RS, waiting=reason, phase="Pending")
    assert told(of_deployment([waiting])) == [("Deployment", "web", "SidecarImage")]


def test_pod_that_is_merely_starting_is_not_told_of() -> None:
    assert told(of_deployment([pod(owner=RS, waiting="PodInitializing", phase="Pending")])) == []


def test_namespace_label_asks_for_all_pods() -> None:
    labels = {names.POLICY: "production"}
    bare = pod(policy=None)
    assert told(world([policy()], [bare], namespaces=[namespace(labels=labels)])) == [
        ("Pod", "web-1", "SidecarMissing")
    ]


@pytest.mark.parametrize(
    "pods",
    [
        [pod(policy=None)],
        [pod(injected=False, annotations={names.INJECT: "false"})],
        [pod(injected=False, phase="Succeeded")],
        [pod(injected=False, terminating=True)],
        [pod(injected=False, owner=owner("Node", "n1", "v1"))],
    ],
    ids=["asks for nothing", "off", "over", "going", "mirror"],
)
def test_pods_that_need_no_sidecar_are_not_told_of(pods: list[dict[str, Any]]) -> None:
    assert told(world([policy()], pods)) == []


def test_pods_of_a_controller_that_is_not_known_yet_wait_for_it() -> None:
    assert told(world([policy()], [pod(injected=False, owner=RS)])) == []


def test_pods_of_a_foreign_controller_are_told_on_that() -> None:
    rollout = owner("Rollout", "web", "argoproj.io/v1alpha1")
    replica_set = workload("ReplicaSet", "web-5d4f", owner=rollout)
    seen = world([policy()], [pod(injected=False, owner=RS)], [replica_set])
    assert told(seen) == [("Rollout", "web", "SidecarMissing")]


def test_cron_job_and_job_are_found_through_their_owners() -> None:
    cron = workload("CronJob", "night", annotations=ASKS, template=COPIED)
    job = workload("Job", "night-1", owner=owner("CronJob", "night", "batch/v1"), template=COPIED)
    lost = pod(injected=False, owner=owner("Job", "night-1", "batch/v1"))
    assert told(world([policy()], [lost], [cron, job])) == [("CronJob", "night", "SidecarMissing")]


def test_job_that_is_over_is_not_told_of() -> None:
    done = {"conditions": [{"type": "Complete", "status": "True"}]}
    assert told(world([], [], [workload("Job", "once", annotations=ASKS, status=done)])) == []


def test_event_is_told_once_and_again_only_after_its_state_was_over() -> None:
    seen = of_deployment([pod(injected=False, owner=RS)])
    first = decide(seen, appraise)
    again = decide(after(seen, first), appraise)
    assert first.events
    assert not again.events
    assert again.standing >= {event.name for event in first.events}


EXCLUDED = {"shop": Namespace("shop", "1", excluded=True)}


@pytest.mark.parametrize("template", [COPIED, {}], ids=["template too", "workload only"])
def test_workload_where_nothing_is_injected_is_told_that_alone(template: dict[str, str]) -> None:
    seen = of_deployment([pod(injected=False, owner=RS)], template=template, policies=[])
    (event,) = decide(replace(seen, namespaces=EXCLUDED), appraise).events
    assert event.reason == "NamespaceExcluded"
    assert "webhook.excludedNamespaces" in event.message


def test_workload_that_asks_for_nothing_is_not_told_of_its_namespace() -> None:
    seen = world([], [pod(policy=None, injected=False, owner=RS)], [workload(annotations={})])
    assert decide(replace(seen, namespaces=EXCLUDED), appraise).events == ()

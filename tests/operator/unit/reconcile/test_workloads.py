"""Events on workloads that ask for a sidecar and have none: told once for each state, whoever restarts."""

from typing import Any

import pytest
from support.operator.reconciling import Reconciling, Start
from support.operator.scripted.api import ALWAYS, ScriptedApi
from support.operator.scripted.faults import Fault, refused, unanswered
from support.operator.scripted.policies import Policies
from support.worlds.objects import owner, pod, workload

from claude_operator import names
from claude_operator.reconcile.event_writer import REPEAT_S

pytestmark = pytest.mark.looptime

ASKS = {names.POLICY: "production"}
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/web"
REPLICA_SET = "/apis/apps/v1/namespaces/shop/replicasets/web-1"
PODS = "/api/v1/namespaces/shop/pods"


def deploy(api: ScriptedApi, **annotations: dict[str, str]) -> None:
    """A deployment with its ReplicaSet; annotations: its own and its template's."""
    api.edit(DEPLOYMENT, workload(**annotations))
    api.edit(REPLICA_SET, workload("ReplicaSet", "web-1", owner=owner("Deployment", "web")))


def made(name: str) -> dict[str, Any]:
    """A pod of that ReplicaSet that came without its sidecar."""
    return pod(name, injected=False, owner=owner("ReplicaSet", "web-1"))


async def test_pods_without_their_sidecar_are_told_once_on_the_deployment(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    policies.apply()
    deploy(api, template=ASKS)
    for name in ("a", "b", "c"):
        api.edit(f"{PODS}/{name}", made(name))
    await operator.settled()
    (event,) = api.objects("events")
    assert (event["reason"], event["type"], event["count"]) == ("SidecarMissing", "Warning", 1)
    assert (event["involvedObject"]["kind"], event["involvedObject"]["name"]) == ("Deployment", "web")
    assert event["metadata"]["namespace"] == "shop"


async def test_policy_that_does_not_exist_is_told_no_more_once_it_does_and_again_when_it_is_gone(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    deploy(api, template=ASKS)
    await operator.settled(60)
    assert policies.told() == [("PolicyNotFound", 1)]
    policies.apply()
    await operator.settled(2 * REPEAT_S)
    assert policies.told() == [("PolicyNotFound", 1)]
    policies.delete()
    await operator.settled()
    assert policies.told() == [("PolicyNotFound", 2)]


async def test_state_that_lasts_is_told_again_before_api_servers_forget_it(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    deploy(api, template=ASKS)
    await operator.settled(REPEAT_S - 60)
    assert policies.told() == [("PolicyNotFound", 1)]
    await operator.settled(120)
    assert policies.told() == [("PolicyNotFound", 2)]
    await operator.settled(10 * (REPEAT_S + 1))
    assert policies.told() == [("PolicyNotFound", 12)]


async def test_another_run_tells_nothing_again_before_its_time_and_then_does(
    api: ScriptedApi, policies: Policies, virtual_wall_clock: None
) -> None:
    deploy(api, template=ASKS)
    async with Reconciling(api).running() as first:
        await first.settled(REPEAT_S - 60)
    api.requests.clear()
    async with Reconciling(api).running() as second:
        await second.settled(30)
        assert api.asked() == []
        await second.settled(60)
    assert policies.told() == [("PolicyNotFound", 2)], "told since the first run told it"


async def test_refusal_of_pods_is_told_with_the_servers_words_as_long_as_controllers_tell_of_it(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    policies.apply()
    deploy(api, template=ASKS)
    failed = {
        "reason": "FailedCreate",
        "involvedObject": {"kind": "ReplicaSet", "uid": "uid-shop-ReplicaSet-web-1"},
        "message": 'Error creating: pods "web-1-x" is forbidden: exceeded quota: q',
    }
    path = "/api/v1/namespaces/shop/events/web-1.1"
    api.edit(path, failed)
    await operator.settled()
    (event,) = [each for each in api.objects("events") if each["reason"] == "PodsRefused"]
    assert "exceeded quota: q" in event["message"]
    assert event["involvedObject"]["name"] == "web"
    api.remove(path)
    await operator.settled(3 * REPEAT_S)
    assert policies.told() == [("PodsRefused", 1)]


@pytest.mark.parametrize(
    ("fault", "count"),
    [(refused(500), 1), (refused(403), 1), (unanswered(), 1), (unanswered(carried_out=True), 2)],
    ids=["failure", "refusal", "silence", "answer lost"],
)
async def test_event_that_could_not_be_written_is_told_later(
    start: Start, api: ScriptedApi, policies: Policies, fault: Fault, count: int
) -> None:
    operator = await start()
    api.on("POST events", fault)
    deploy(api, template=ASKS)
    await operator.settled(60)
    assert policies.told() == [("PolicyNotFound", count)]


async def test_workload_whose_event_is_refused_holds_up_no_policy(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    api.on("POST events", refused(403), ALWAYS)
    deploy(api, template=ASKS)
    policies.apply("other")
    await operator.settled()
    assert policies.condition("Programmed", "other")[0] == "True"

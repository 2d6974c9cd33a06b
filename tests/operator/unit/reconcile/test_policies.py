"""A policy's ConfigMap and status through edits, deletions and other hands."""

from typing import Any

import pytest
from support.operator.reconciling import Reconciling, Start
from support.operator.scripted.api import ScriptedApi
from support.operator.scripted.policies import Policies
from support.worlds.objects import namespace, pod

from claude_operator import names

pytestmark = pytest.mark.looptime

MADE = ["POST configmaps", "PATCH claudepolicies/status"]
CHANGED = ["PATCH configmaps", "PATCH claudepolicies/status"]
BAD = {"routes": [{"name": "a", "endpoint": "https://[1:2]"}]}
POD = "/api/v1/namespaces/shop/pods/web-1"


async def test_new_policy_is_handed_out_and_accepted_in_two_writes(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    uid = policies.apply(retry={"maxAttempts": 2})["metadata"]["uid"]
    await operator.settled()
    assert api.asked() == MADE
    assert "maxAttempts: 2" in policies.file()
    assert policies.config_map()["metadata"]["labels"][names.POLICY_UID] == uid
    assert policies.condition("Accepted")[:2] == ("True", "Accepted")
    assert policies.condition("Programmed")[:2] == ("True", "Programmed")
    assert policies.condition("ResolvedRefs")[:2] == ("Unknown", "NoPods")


async def test_each_edit_is_one_config_map_and_one_status(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    policies.apply()
    await operator.settled()
    before = policies.status()["hash"]
    policies.apply(retry={"maxAttempts": 9})
    await operator.settled()
    assert api.asked() == MADE + CHANGED
    assert "maxAttempts: 9" in policies.file()
    assert policies.status()["observedGeneration"] == 2
    assert policies.status()["hash"] != before


async def test_what_watches_tell_of_its_own_writes_and_of_foreign_annotations_causes_no_write(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    policies.apply()
    await operator.settled()
    api.edit(policies.path(), {"metadata": {"annotations": {"note": "x"}}})
    api.edit(policies.config_map_path(), {"metadata": {"annotations": {"note": "x"}}})
    await operator.settled(3600)
    assert api.asked() == MADE


async def test_its_own_write_is_known_before_a_watch_tells_of_it(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    operator.mute.add("configmaps")
    policies.apply()
    await operator.settled()
    policies.apply(retry={"maxAttempts": 9})
    await operator.settled()
    assert api.asked() == MADE + CHANGED
    assert {request.status for request in api.requests} == {200, 404}, "nothing conflicted"


async def test_another_run_on_a_settled_cluster_writes_nothing(
    api: ScriptedApi, policies: Policies, virtual_wall_clock: None
) -> None:
    policies.apply()
    policies.apply("bad", **BAD)
    api.edit(POD, pod())
    async with Reconciling(api).running() as first:
        await first.settled()
    assert len(api.asked()) == 4
    api.requests.clear()
    async with Reconciling(api).running() as second:
        await second.settled()
    assert api.asked() == []


async def test_refused_policy_keeps_its_last_good_file_and_is_told_in_checks_words(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    policies.apply(retry={"maxAttempts": 2})
    await operator.settled()
    good, handed_out = policies.file(), policies.status()["hash"]
    policies.apply(**BAD)
    await operator.settled()
    status, reason, message = policies.condition("Accepted")
    assert (status, reason) == ("False", "Invalid")
    assert message.startswith("spec.routes[0].endpoint: ")
    assert policies.condition("Programmed")[:2] == ("False", "Invalid")
    assert policies.file() == good
    assert policies.status()["hash"] == handed_out
    assert api.asked()[2:] == ["PATCH claudepolicies/status", "POST events"]


async def test_policy_that_was_never_right_gets_no_file_until_it_is(start: Start, policies: Policies) -> None:
    operator = await start()
    policies.apply(**BAD)
    await operator.settled()
    assert policies.config_map() is None
    policies.apply()
    await operator.settled()
    assert policies.condition("Programmed")[:2] == ("True", "Programmed")
    assert names.KIND in policies.file()


DEEDS: dict[str, dict[str, Any]] = {
    "rewritten": {"data": {names.POLICY_KEY: "spec: {}", "more": "x"}},
    "emptied": {"data": None},
    "unlabelled": {"metadata": {"labels": None}},
    "filled": {"binaryData": {"x": "eA=="}},
    "frozen and rewritten": {"immutable": True, "data": {names.POLICY_KEY: "spec: {}"}},
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
async def test_config_map_that_hands_were_on_is_put_back(
    start: Start, api: ScriptedApi, policies: Policies, deed: dict[str, Any]
) -> None:
    operator = await start()
    policies.apply(retry={"maxAttempts": 2})
    await operator.settled()
    good = policies.config_map()
    api.edit(policies.config_map_path(), deed)
    await operator.settled()
    found = policies.config_map()
    assert found["data"] == good["data"]
    assert found["metadata"]["labels"] == good["metadata"]["labels"]
    assert {"binaryData", "immutable"}.isdisjoint(found)


async def test_config_map_that_was_deleted_is_made_again(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    policies.apply()
    await operator.settled()
    api.remove(policies.config_map_path())
    await operator.settled()
    assert policies.file()
    assert api.asked() == [*MADE, "POST configmaps"]


async def test_deleted_policy_takes_its_config_map_along(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    policies.apply()
    await operator.settled()
    policies.delete()
    await operator.settled()
    assert policies.config_map() is None
    assert api.asked() == [*MADE, "DELETE configmaps"]


@pytest.mark.parametrize("end", ["gone", "over"])
async def test_policy_deleted_while_a_pod_mounts_it_leaves_its_file_until_the_last_one_has_ended(
    start: Start, api: ScriptedApi, policies: Policies, end: str
) -> None:
    operator = await start()
    policies.apply()
    api.edit(POD, pod())
    await operator.settled()
    policies.delete()
    await operator.settled(3600)
    assert policies.file()
    if end == "gone":
        api.remove(POD)
    else:
        api.edit(POD, {"status": {"phase": "Succeeded"}})
    await operator.settled()
    assert policies.config_map() is None


async def test_config_map_of_a_policy_that_went_while_nobody_watched_is_deleted(
    api: ScriptedApi, policies: Policies, virtual_wall_clock: None
) -> None:
    policies.apply()
    async with Reconciling(api).running() as first:
        await first.settled()
    policies.delete()
    async with Reconciling(api).running() as second:
        await second.settled()
    assert policies.config_map() is None


async def test_policy_made_anew_under_its_name_takes_its_config_map_over(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    policies.apply()
    api.edit(POD, pod())
    await operator.settled()
    policies.delete()
    await operator.settled()
    uid = policies.apply(retry={"maxAttempts": 3})["metadata"]["uid"]
    await operator.settled()
    assert policies.config_map()["metadata"]["labels"][names.POLICY_UID] == uid
    assert "maxAttempts: 3" in policies.file()
    assert policies.condition("Programmed")[0] == "True"


async def test_nothing_is_asked_in_a_namespace_that_is_being_terminated(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    api.edit("/api/v1/namespaces/shop", namespace(terminating=True))
    await operator.settled()
    api.requests.clear()
    policies.apply()
    await operator.settled(600)
    assert api.requests == [], "nor is anything looked for"

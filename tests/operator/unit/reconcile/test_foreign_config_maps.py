"""ConfigMaps of a policy's name that are not the operator's: left alone, told, made once they are gone."""

import pytest
from support.operator.reconciling import FOREIGN_AGAIN_S, Start
from support.operator.scripted.api import ScriptedApi
from support.operator.scripted.faults import overtaken
from support.operator.scripted.policies import Policies

from claude_operator import names

pytestmark = pytest.mark.looptime


async def test_foreign_config_map_is_left_alone_and_told_until_its_owner_removes_it(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    api.edit(policies.config_map_path(), {"data": {"a": "b"}})
    policies.apply()
    await operator.settled(600)
    assert policies.config_map()["data"] == {"a": "b"}
    assert policies.condition("Programmed")[:2] == ("False", "Conflicted")
    assert policies.told() == [("Conflicted", 1)]
    assert api.asked("GET").count("GET configmaps") <= 2 + 600 / FOREIGN_AGAIN_S
    api.remove(policies.config_map_path())
    await operator.settled(FOREIGN_AGAIN_S + 1)
    assert policies.condition("Programmed")[:2] == ("True", "Programmed")
    assert names.POLICY_KEY in policies.config_map()["data"]


async def test_foreign_config_map_that_comes_between_look_and_write_is_seen_and_left_alone(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    api.on(
        "POST configmaps",
        overtaken(lambda: api.edit(policies.config_map_path(), {"data": {"a": "b"}})),
    )
    policies.apply()
    await operator.settled()
    assert policies.config_map()["data"] == {"a": "b"}
    assert policies.condition("Programmed")[:2] == ("False", "Conflicted")


async def test_foreign_config_map_is_not_deleted_with_its_policy(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    api.edit(policies.config_map_path(), {"data": {"a": "b"}})
    policies.apply()
    await operator.settled()
    policies.delete()
    await operator.settled(600)
    assert policies.config_map()["data"] == {"a": "b"}

"""Writes that hold only for the object that was seen, and what is known after each."""

import re

import pytest
from support.operator.scripted.api import ScriptedApi
from support.operator.scripted.faults import overtaken, refused
from support.operator.scripted.policies import Policies

from claude_operator import names
from claude_operator.cluster.api import ApiError
from claude_operator.desired.desired import ChangedConfigMap, NewConfigMap, Status, SuperfluousConfigMap
from claude_operator.reconcile.keys import Key, PolicyKey
from claude_operator.reconcile.kinds import KINDS
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.seen import Seen
from claude_operator.reconcile.store import Store
from claude_operator.reconcile.writer import Writer

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("virtual_wall_clock")]

KEY = PolicyKey("shop", "production")
PLACE = "shop", "claude-policy-production"
BODY = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": PLACE[1], "labels": {names.POLICY_UID: "u"}},
    "data": {names.POLICY_KEY: "first"},
}
NEW = NewConfigMap(*PLACE, BODY)


@pytest.fixture
def concerned() -> list[Key]:
    """The keys that changes of the store concerned."""
    return []


@pytest.fixture
def store(concerned: list[Key]) -> Store:
    return Store(concerned.append)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def writer(api: ScriptedApi, store: Store, metrics: Metrics) -> Writer:
    return Writer(api, Seen(store), metrics)


def writes(metrics: Metrics) -> dict[tuple[str, str], float]:
    """How many writes of each kind ended how."""
    found = re.findall(r'writes_total\{result="(\w+)",what="(\w+)"\} (\S+)', metrics.render().decode())
    return {(what, result): float(count) for result, what, count in found}


async def refusal(deed: object) -> int:
    """The status with which a write was refused."""
    with pytest.raises(ApiError) as caught:
        await deed  # type: ignore[misc]
    return caught.value.status


def change(store: Store, text: str) -> ChangedConfigMap:
    """A change of the ConfigMap as it is known."""
    return ChangedConfigMap(*PLACE, store.config_maps[PLACE].version, {"data": {names.POLICY_KEY: text}})


async def test_what_was_made_is_known_at_once_and_signed(
    writer: Writer, api: ScriptedApi, store: Store, policies: Policies, concerned: list[Key]
) -> None:
    await writer.create(NEW)
    assert store.config_maps[PLACE].version == policies.config_map()["metadata"]["resourceVersion"]
    assert store.config_maps[PLACE].ours
    assert policies.config_map()["metadata"]["managedFields"][0]["manager"] == names.OPERATOR
    assert concerned == [KEY]
    assert api.asked() == ["POST configmaps"]


async def test_nothing_is_made_where_there_is_one(
    writer: Writer, api: ScriptedApi, store: Store, policies: Policies
) -> None:
    api.edit(policies.config_map_path(), {"data": {"a": "b"}})
    assert await refusal(writer.create(NEW)) == 409
    assert policies.config_map()["data"] == {"a": "b"}
    assert store.config_maps == {}


async def test_change_goes_by_the_version_that_was_seen(
    writer: Writer, api: ScriptedApi, store: Store, policies: Policies
) -> None:
    await writer.create(NEW)
    await writer.change(change(store, "second"))
    await writer.change(change(store, "third"))
    assert policies.file() == "third"
    late = change(store, "fourth")
    api.edit(policies.config_map_path(), {"data": {names.POLICY_KEY: "theirs"}})
    assert await refusal(writer.change(late)) == 409
    assert policies.file() == "theirs"


async def test_deletion_is_of_the_object_that_was_seen(
    writer: Writer, api: ScriptedApi, store: Store, policies: Policies
) -> None:
    await writer.create(NEW)
    seen = store.config_maps[PLACE]
    gone = SuperfluousConfigMap(*PLACE, seen.uid, seen.version)
    api.edit(policies.config_map_path(), {"data": {"more": "x"}})
    assert await refusal(writer.delete(gone)) == 409
    api.remove(policies.config_map_path())
    made_anew = api.edit(policies.config_map_path(), BODY)["metadata"]
    other = SuperfluousConfigMap(*PLACE, seen.uid, made_anew["resourceVersion"])
    assert await refusal(writer.delete(other)) == 409
    assert policies.config_map() is not None


async def test_deletion_of_what_is_gone_is_no_fault(
    writer: Writer, api: ScriptedApi, store: Store, policies: Policies, concerned: list[Key]
) -> None:
    await writer.create(NEW)
    seen = store.config_maps[PLACE]
    api.remove(policies.config_map_path())
    concerned.clear()
    await writer.delete(SuperfluousConfigMap(*PLACE, seen.uid, seen.version))
    assert store.config_maps == {}
    assert concerned == [KEY]


async def test_status_is_merged_and_what_it_no_longer_has_is_taken_away(
    writer: Writer, api: ScriptedApi, store: Store, policies: Policies
) -> None:
    made = policies.apply()["metadata"]
    api.edit(policies.path(), {"status": {"hash": "h", "theirs": 1}})
    seen = api.at(policies.path())["metadata"]["resourceVersion"]
    await writer.status(Status(*KEY, made["uid"], seen, {"routes": 1}, gone=("hash",)))
    assert policies.status() == {"routes": 1, "theirs": 1}
    assert store.policies[KEY]["status"] == {"routes": 1, "theirs": 1}


@pytest.mark.parametrize("meanwhile", ["edited", "made anew"])
async def test_status_of_a_policy_that_is_another_by_now_is_not_written(
    writer: Writer, api: ScriptedApi, policies: Policies, meanwhile: str
) -> None:
    made = policies.apply()["metadata"]

    def another() -> None:
        if meanwhile == "made anew":
            policies.delete()
        policies.apply(retry={"maxAttempts": 2})

    api.on("PATCH claudepolicies/status", overtaken(another))
    assert (
        await refusal(writer.status(Status(*KEY, made["uid"], made["resourceVersion"], {"routes": 1}))) == 409
    )
    assert policies.status() == {}


async def test_older_news_after_a_write_is_passed_over(
    writer: Writer, api: ScriptedApi, store: Store, policies: Policies
) -> None:
    seen = Seen(store)
    writer = Writer(api, seen, Metrics())
    before = policies.apply()
    meta = before["metadata"]
    await writer.status(Status(*KEY, meta["uid"], meta["resourceVersion"], {"routes": 1}))
    seen.put(KINDS[0], before)
    assert store.policies[KEY]["status"] == {"routes": 1}


async def test_look_finds_a_foreign_config_map_and_forgets_it_once_it_is_gone(
    writer: Writer, api: ScriptedApi, store: Store, policies: Policies
) -> None:
    assert await writer.look(KEY) is None
    api.edit(policies.config_map_path(), {"data": {"a": "b"}})
    found = await writer.look(KEY)
    assert found is not None
    assert not found.ours
    assert store.config_maps[PLACE] == found
    api.remove(policies.config_map_path())
    assert await writer.look(KEY) is None
    assert store.config_maps == {}


async def test_look_leaves_a_watched_config_map_to_the_watch(
    writer: Writer, api: ScriptedApi, store: Store, policies: Policies
) -> None:
    api.edit(policies.config_map_path(), BODY)
    found = await writer.look(KEY)
    assert found is not None
    assert found.ours
    assert store.config_maps == {}


async def test_look_that_fails_knows_nothing_new(
    writer: Writer, api: ScriptedApi, store: Store, policies: Policies
) -> None:
    api.edit(policies.config_map_path(), {"data": {"a": "b"}})
    await writer.look(KEY)
    api.on("GET configmaps", refused(500))
    assert await refusal(writer.look(KEY)) == 500
    assert PLACE in store.config_maps


async def test_writes_are_counted_by_what_and_how_they_ended(
    writer: Writer, api: ScriptedApi, store: Store, policies: Policies, metrics: Metrics
) -> None:
    meta = policies.apply()["metadata"]
    await writer.create(NEW)
    await refusal(writer.create(NEW))
    await writer.change(change(store, "second"))
    await writer.status(Status(*KEY, meta["uid"], meta["resourceVersion"], {"routes": 1}))
    api.on("PATCH *", refused(503))
    await refusal(writer.status(Status(*KEY, meta["uid"], "0", {})))
    assert writes(metrics) == {
        ("config_map", "done"): 2,
        ("config_map", "failed"): 1,
        ("status", "done"): 1,
        ("status", "failed"): 1,
    }

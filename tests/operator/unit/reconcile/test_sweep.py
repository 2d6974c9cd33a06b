"""Lists against what watches told: what the start waits for, ghosts, blind watches, lists that fail."""

import asyncio
import re
from typing import Any

import pytest
from support.operator.reconciling import Reconciling, Start
from support.operator.scripted.faults import overtaken, refused
from support.operator.scripted.policies import Policies
from support.worlds.objects import pod

from claude_operator import names
from claude_operator.cluster.api import ApiError
from claude_operator.reconcile.kinds import KINDS
from claude_operator.reconcile.sweep import Sweeper
from claude_sidecar import clock

pytestmark = pytest.mark.looptime

EVERY_S = 120.0
(PODS,) = (kind for kind in KINDS if kind.plural == "pods")


class Swept:
    """A running operator, its sweeper, and pods that come, change and go."""

    def __init__(self, operator: Reconciling) -> None:
        self.api, self.seen, self.store = operator.api, operator.seen, operator.store
        self._operator = operator
        self.sweeper = Sweeper(self.api, self.seen, EVERY_S, operator.metrics)

    def mute(self, plural: str = "pods") -> None:
        """Its watch tells nothing any more."""
        self._operator.mute.add(plural)

    async def put(self, name: str = "web-1", ip: str = "10.0.0.1") -> dict[str, Any]:
        """Make or change a pod; its watch has time to tell of it."""
        made = self.api.edit(self.path(name), pod(name, policy=None, ip=ip))
        await self._operator.settled()
        return made

    async def remove(self, name: str = "web-1") -> None:
        self.api.remove(self.path(name))
        await self._operator.settled()

    @staticmethod
    def path(name: str = "web-1") -> str:
        return f"/api/v1/namespaces/shop/pods/{name}"

    @property
    def known(self) -> set[str]:
        """Names of the pods that the operator reckons with."""
        return {each.name for each in self.store.pods.values()}

    def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        text = self._operator.metrics.render().decode()
        return sum(map(float, re.findall(rf"^claude_operator_{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)))


async def told_after_s(sweeper: Sweeper, within_s: float = 60.0) -> float:
    """How long it took until all was told."""
    began = clock.now()
    async with asyncio.timeout(within_s):
        await sweeper.until_told()
    return clock.now() - began


async def test_start_waits_for_nothing_where_all_is_told(start: Start) -> None:
    on = Swept(await start())
    await on.put()
    assert await told_after_s(on.sweeper) == 0


async def test_start_waits_until_watches_have_told_of_all_that_lists_hold(start: Start) -> None:
    on = Swept(await start())
    on.mute()
    made = await on.put()
    asyncio.get_running_loop().call_later(20, on.seen.put, PODS, made)
    assert 20 <= await told_after_s(on.sweeper) < 20.2


async def test_start_waits_for_no_object_that_is_gone_by_now(start: Start) -> None:
    on = Swept(await start())
    on.mute()
    await on.put()
    asyncio.get_running_loop().call_later(1, on.api.remove, on.path())
    assert 1 < await told_after_s(on.sweeper) < 4


async def test_start_is_told_of_a_list_that_fails(start: Start) -> None:
    on = Swept(await start())
    on.api.on("GET pods", refused(403))
    with pytest.raises(ApiError):
        await on.sweeper.until_told()


async def test_lists_ask_for_metadata_of_what_is_watched_and_no_more(start: Start) -> None:
    on = Swept(await start())
    on.api.requests.clear()
    await on.sweeper.until_told()
    lists = {request.path.rpartition("/")[2]: request for request in on.api.requests}
    assert lists.keys() == {kind.plural for kind in KINDS}
    assert all("as=PartialObjectMetadataList" in request.accept for request in lists.values())
    assert lists["configmaps"].query["labelSelector"] == names.POLICY_UID
    assert lists["events"].query["fieldSelector"] == "reason=FailedCreate"


async def test_object_that_went_without_a_word_is_dropped_and_counted_once(start: Start) -> None:
    on = Swept(await start())
    for name in ("web-1", "web-2"):
        await on.put(name)
    on.mute()
    await on.remove("web-1")
    assert on.known == {"web-1", "web-2"}
    for _ in range(2):
        await on.sweeper.sweep(PODS)
        assert on.known == {"web-2"}
    assert on.metric("missed_deletions_total") == 1


async def test_policy_that_went_without_a_word_takes_its_config_map_along(
    start: Start, policies: Policies
) -> None:
    on = Swept(operator := await start())
    policies.apply()
    await operator.settled()
    on.mute(names.PLURAL)
    policies.delete()
    await operator.settled()
    assert policies.config_map() is not None
    await on.sweeper.sweep(KINDS[0])
    await operator.settled()
    assert policies.config_map() is None


async def test_object_on_a_later_page_is_no_ghost(start: Start) -> None:
    on = Swept(await start())
    names_of_pods = {f"web-{number}" for number in range(5)}
    for name in names_of_pods:
        await on.put(name)
    on.api.longest_page = 2
    await on.sweeper.sweep(PODS)
    assert on.known == names_of_pods


async def test_object_that_was_told_of_while_the_list_was_made_is_no_ghost(start: Start) -> None:
    on = Swept(await start())
    made = await on.put()
    on.mute()

    def go_and_tell() -> None:
        on.api.remove(on.path())
        on.seen.put(PODS, {**made, "metadata": {**made["metadata"], "resourceVersion": "999"}})

    on.api.on("GET pods", overtaken(go_and_tell))
    await on.sweeper.sweep(PODS)
    assert on.known == {"web-1"}
    await on.sweeper.sweep(PODS)
    assert on.known == set()


async def test_watch_that_keeps_a_change_to_itself_is_blind_until_it_tells(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    on = Swept(await start())
    await on.put()
    on.mute()
    changed = await on.put(ip="10.0.0.2")
    await on.sweeper.sweep(PODS)
    assert on.sweeper.blind == set(), "it may be late only"
    for _ in range(2):
        await on.sweeper.sweep(PODS)
        assert on.sweeper.blind == {"pods"}
        assert on.metric("blind_watches") == 1
    on.seen.put(PODS, changed)
    await on.sweeper.sweep(PODS)
    assert on.sweeper.blind == set()
    assert on.metric("blind_watches") == 0
    assert [record.message for record in caplog.records].count("watch is blind") == 1


async def test_watch_that_tells_of_no_new_object_is_blind(start: Start) -> None:
    on = Swept(await start())
    on.mute()
    await on.put()
    await on.sweeper.sweep(PODS)
    assert on.sweeper.blind == set(), "it may be late only"
    await on.sweeper.sweep(PODS)
    assert on.sweeper.blind == {"pods"}


async def test_watch_that_tells_between_two_sweeps_is_not_blind_however_busy(start: Start) -> None:
    on = Swept(await start())
    for number in range(5):
        await on.put(f"web-{number}")
        await on.put(ip=f"10.0.0.{number}")
        await on.sweeper.sweep(PODS)
        assert on.sweeper.blind == set()


async def test_object_that_came_and_went_untold_makes_no_watch_blind(start: Start) -> None:
    on = Swept(await start())
    on.mute()
    await on.put()
    await on.sweeper.sweep(PODS)
    await on.remove()
    await on.sweeper.sweep(PODS)
    assert on.sweeper.blind == set()


async def test_kind_whose_list_fails_keeps_no_other_from_being_swept(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    on = Swept(await start())
    await on.put()
    on.mute()
    await on.remove()
    on.api.on("GET claudepolicies", refused(503, "etcd is away"))
    sweeping = asyncio.create_task(on.sweeper.run())
    await clock.sleep(EVERY_S - 1)
    assert on.known == {"web-1"}, "not before its time"
    await clock.sleep(2)
    assert on.known == set()
    (record,) = [each for each in caplog.records if each.message == "sweep failed"]
    assert record.facts == {"kind": "claudepolicies", "error": "etcd is away"}
    on.api.requests.clear()
    await clock.sleep(EVERY_S)
    assert len(on.api.asked("GET")) == len(KINDS), "it goes on"
    sweeping.cancel()


async def test_list_that_fails_halfway_drops_nothing(start: Start) -> None:
    on = Swept(await start())
    for name in ("web-1", "web-2"):
        await on.put(name)
    on.api.longest_page = 1
    on.api.on("GET pods", overtaken(lambda: on.api.on("GET pods", refused(410))))
    with pytest.raises(ApiError):
        await on.sweeper.sweep(PODS)
    assert on.known == {"web-1", "web-2"}

"""Events: made once, counted up where they are there already, remembered over restarts until they are old."""

import pytest
from support.operator.scripted.api import ScriptedApi
from support.operator.scripted.faults import overtaken, refused
from support.worlds.objects import T0_UNIX

from claude_operator import names
from claude_operator.cluster import paths
from claude_operator.cluster.api import ApiError
from claude_operator.desired.desired import Desired, Event
from claude_operator.desired.happening import warning
from claude_operator.desired.world import Subject
from claude_operator.reconcile.event_writer import REPEAT_S, EventWriter
from claude_operator.reconcile.keys import PolicyKey, WorkloadKey
from claude_sidecar import clock

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("virtual_wall_clock")]

POLICY = Subject(names.API_VERSION, names.KIND, "shop", "production", "uid-policy")
DEPLOYMENT = Subject("apps/v1", "Deployment", "shop", "web", "uid-web")
ABOUT_POLICY, ABOUT_DEPLOYMENT = PolicyKey("shop", "production"), WorkloadKey("shop", "uid-web")
REFUSED = warning(POLICY, "PolicyRefused", "spec.x: is wrong")


@pytest.fixture
def writer(api: ScriptedApi) -> EventWriter:
    """One that remembers nothing yet."""
    return EventWriter(api, "this-process")


def there(api: ScriptedApi, event: Event) -> dict[str, object]:
    """The event on the API server."""
    return dict(api.at(f"{paths.events('shop')}/{event.name}"))


def now() -> float:
    return clock.unix_ns() / 1e9


async def test_event_says_who_tells_what_of_which_object_and_when(
    writer: EventWriter, api: ScriptedApi
) -> None:
    await clock.sleep(90)
    await writer.write(ABOUT_POLICY, REFUSED)
    found = there(api, REFUSED)
    assert found["involvedObject"] == {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "namespace": "shop",
        "name": "production",
        "uid": "uid-policy",
    }
    assert (found["type"], found["reason"], found["message"]) == (
        "Warning",
        "PolicyRefused",
        "spec.x: is wrong",
    )
    assert found["firstTimestamp"] == found["lastTimestamp"] == "2026-01-01T00:01:30Z"
    assert (found["count"], found["reportingInstance"]) == (1, "this-process")


async def test_event_that_is_there_is_counted_up_and_keeps_when_it_began(
    writer: EventWriter, api: ScriptedApi
) -> None:
    await EventWriter(api, "earlier-process").write(ABOUT_POLICY, REFUSED)
    for count in (2, 3):
        await clock.sleep(60)
        await writer.write(ABOUT_POLICY, REFUSED)
        assert there(api, REFUSED)["count"] == count
    assert there(api, REFUSED)["firstTimestamp"] == "2026-01-01T00:00:00Z"
    assert there(api, REFUSED)["lastTimestamp"] == "2026-01-01T00:02:00Z"
    assert len(api.objects("events")) == 1


async def test_event_that_goes_while_it_is_counted_up_is_told_anew_by_the_next_try(
    writer: EventWriter, api: ScriptedApi
) -> None:
    await EventWriter(api, "earlier-process").write(ABOUT_POLICY, REFUSED)
    api.on("GET events", overtaken(lambda: api.remove(f"{paths.events('shop')}/{REFUSED.name}")))
    with pytest.raises(ApiError) as caught:
        await writer.write(ABOUT_POLICY, REFUSED)
    assert caught.value.status == 404
    assert writer.told(ABOUT_POLICY, now()) == frozenset()
    await writer.write(ABOUT_POLICY, REFUSED)
    assert there(api, REFUSED)["count"] == 1


@pytest.mark.parametrize("status", [0, 403, 422, 500])
async def test_event_that_could_not_be_written_was_not_told(
    writer: EventWriter, api: ScriptedApi, status: int
) -> None:
    await EventWriter(api, "earlier-process").write(ABOUT_POLICY, REFUSED)
    api.on("POST events", refused(status))
    with pytest.raises(ApiError):
        await writer.write(ABOUT_POLICY, REFUSED)
    assert writer.told(ABOUT_POLICY, now()) == frozenset()
    assert there(api, REFUSED)["count"] == 1


async def test_what_was_told_counts_as_told_until_it_is_to_be_repeated(writer: EventWriter) -> None:
    await writer.write(ABOUT_POLICY, REFUSED)
    assert writer.told(ABOUT_POLICY, T0_UNIX + REPEAT_S - 1) == {REFUSED.name}
    assert writer.told(ABOUT_POLICY, T0_UNIX + REPEAT_S) == frozenset()
    assert writer.told(ABOUT_DEPLOYMENT, T0_UNIX) == frozenset()


async def test_events_are_to_be_repeated_when_the_first_of_them_is(writer: EventWriter) -> None:
    later = warning(POLICY, "Conflicted", "")
    await writer.write(ABOUT_POLICY, REFUSED)
    await clock.sleep(100)
    await writer.write(ABOUT_POLICY, later)
    both = {REFUSED.name, later.name}
    assert writer.again_in_s(ABOUT_POLICY, both, now()) == pytest.approx(REPEAT_S - 100, abs=2)
    assert writer.again_in_s(ABOUT_POLICY, {later.name}, now()) == pytest.approx(REPEAT_S, abs=2)


async def test_state_that_is_over_may_be_told_again_when_it_comes_back(writer: EventWriter) -> None:
    lasting = warning(POLICY, "Conflicted", "")
    for each in (REFUSED, lasting):
        await writer.write(ABOUT_POLICY, each)
    writer.forget_others(ABOUT_POLICY, Desired(standing=frozenset({lasting.name})))
    assert writer.told(ABOUT_POLICY, now()) == {lasting.name}
    writer.forget_others(ABOUT_POLICY, Desired())
    assert writer.told(ABOUT_POLICY, now()) == frozenset()


async def test_nothing_is_forgotten_while_it_is_not_certain_what_lasts(writer: EventWriter) -> None:
    await writer.write(ABOUT_POLICY, REFUSED)
    writer.forget_others(ABOUT_POLICY, Desired(certain=False))
    assert writer.told(ABOUT_POLICY, now()) == {REFUSED.name}


async def test_what_earlier_runs_told_is_found_page_by_page_by_what_it_is_about(
    writer: EventWriter, api: ScriptedApi
) -> None:
    earlier = EventWriter(api, "earlier-process")
    about_pods = [warning(DEPLOYMENT, f"Reason{number}", "") for number in range(5)]
    for each in about_pods:
        await earlier.write(ABOUT_DEPLOYMENT, each)
    await earlier.write(ABOUT_POLICY, REFUSED)
    api.longest_page = 2
    api.requests.clear()
    await writer.load()
    assert api.asked("GET") == ["GET events"] * 3
    assert writer.told(ABOUT_POLICY, now()) == {REFUSED.name}
    assert writer.told(ABOUT_DEPLOYMENT, now()) == {each.name for each in about_pods}


async def test_events_of_others_are_no_business_of_its_own(writer: EventWriter, api: ScriptedApi) -> None:
    await EventWriter(api, "earlier-process").write(ABOUT_POLICY, REFUSED)
    api.edit(f"{paths.events('shop')}/{REFUSED.name}", {"reportingComponent": "another"})
    await writer.load()
    assert writer.told(ABOUT_POLICY, now()) == frozenset()


async def test_old_event_of_an_earlier_run_is_told_again(writer: EventWriter, api: ScriptedApi) -> None:
    await EventWriter(api, "earlier-process").write(ABOUT_POLICY, REFUSED)
    await clock.sleep(REPEAT_S)
    await writer.load()
    assert writer.told(ABOUT_POLICY, now()) == frozenset()


async def test_list_that_fails_halfway_is_told_to_the_caller(writer: EventWriter, api: ScriptedApi) -> None:
    api.longest_page = 1
    for event in (REFUSED, warning(POLICY, "Conflicted", "")):
        await writer.write(ABOUT_POLICY, event)
    api.on("GET events", overtaken(lambda: api.on("GET events", refused(410))))
    with pytest.raises(ApiError) as caught:
        await EventWriter(api, "next-process").load()
    assert caught.value.status == 410

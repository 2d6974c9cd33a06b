"""API servers that refuse, fail, keep silent or have another hand in the write that was decided."""

import pytest
from support.operator.reconciling import Reconciling, Start
from support.operator.scripted.api import ALWAYS, ScriptedApi
from support.operator.scripted.faults import overtaken, refused, unanswered
from support.operator.scripted.policies import Policies

from claude_operator import names
from claude_sidecar import clock

pytestmark = pytest.mark.looptime

QUOTA = "exceeded quota: maps"


def tries(api: ScriptedApi, what: str) -> list[float]:
    """When each request of a kind came."""
    return [request.at_s for request in api.requests if request.what == what]


@pytest.mark.parametrize("status", [400, 403, 413, 422])
async def test_config_map_that_is_not_allowed_is_told_and_made_once_it_is(
    start: Start, api: ScriptedApi, policies: Policies, status: int
) -> None:
    operator = await start()
    api.on("POST configmaps", refused(status, QUOTA), ALWAYS)
    policies.apply()
    await operator.settled()
    assert policies.condition("Accepted")[0] == "True"
    assert policies.condition("Programmed")[:2] == ("False", "NotWritten")
    assert policies.condition("Programmed")[2].endswith(QUOTA)
    assert "hash" not in policies.status(), "nothing is in force"
    assert policies.told() == [("NotWritten", 1)]
    api.recover()
    await operator.settled(60)
    assert policies.file()
    assert policies.condition("Programmed")[:2] == ("True", "Programmed")
    api.requests.clear()
    policies.apply(retry={"maxAttempts": 9})
    await operator.settled()
    assert api.asked() == ["PATCH configmaps", "PATCH claudepolicies/status"], "the refusal is forgotten"


async def test_refusal_that_lasts_is_tried_later_and_later_and_told_once(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    api.on("POST configmaps", refused(403, QUOTA), ALWAYS)
    policies.apply()
    await operator.settled(600)
    came = tries(api, "POST configmaps")
    assert 10 < len(came) < 40
    assert came[1] - came[0] < 1 < came[-1] - came[-2]
    assert policies.told() == [("NotWritten", 1)]
    assert api.asked().count("PATCH claudepolicies/status") == 1


async def test_edit_that_is_not_allowed_leaves_what_was_handed_out(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    policies.apply()
    await operator.settled()
    file, handed_out = policies.file(), policies.status()["hash"]
    api.on("PATCH configmaps", refused(422), ALWAYS)
    policies.apply(retry={"maxAttempts": 9})
    await operator.settled()
    assert policies.file() == file
    assert policies.status()["hash"] == handed_out
    assert policies.condition("Programmed")[:2] == ("False", "NotWritten")


async def test_refusal_of_a_namespace_that_goes_away_is_told_to_nobody(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    going = "unable to create new content in namespace shop because it is being terminated"
    api.on("POST configmaps", refused(403, going), ALWAYS)
    policies.apply()
    await operator.settled()
    assert set(api.asked()) == {"POST configmaps"}


@pytest.mark.parametrize("status", [0, 401, 429, 500, 503])
async def test_failure_of_the_server_is_no_fault_of_the_policy(
    start: Start, api: ScriptedApi, policies: Policies, status: int
) -> None:
    operator = await start()
    api.on("POST configmaps", refused(status), 3)
    policies.apply()
    await operator.settled(0.1)
    assert api.asked() == ["POST configmaps"]
    assert policies.status() == {}
    await operator.settled()
    assert api.asked() == ["POST configmaps"] * 4 + ["PATCH claudepolicies/status"]
    assert policies.condition("Programmed")[:2] == ("True", "Programmed")
    assert policies.told() == []


async def test_server_that_asks_to_be_left_alone_is(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    api.on("POST configmaps", refused(429, retry_after_s=7))
    policies.apply()
    await operator.settled(20)
    first, second = tries(api, "POST configmaps")
    assert 7 <= second - first < 8


async def test_policy_that_is_kept_waiting_holds_up_no_other(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    api.on("POST configmaps", unanswered())
    for name in ("first", "second", "third"):
        policies.apply(name)
    await operator.settled(1)
    assert policies.config_map("first") is None
    for name in ("second", "third"):
        assert policies.condition("Programmed", name)[0] == "True"
    await operator.settled(25)
    assert policies.condition("Programmed", "first")[0] == "True"


@pytest.mark.parametrize("what", ["POST configmaps", "PATCH claudepolicies/status"])
async def test_write_whose_answer_was_lost_is_not_done_twice(
    start: Start, api: ScriptedApi, policies: Policies, what: str
) -> None:
    operator = await start()
    api.on(what, unanswered(carried_out=True))
    policies.apply()
    await operator.settled(60)
    assert api.asked() == ["POST configmaps", "PATCH claudepolicies/status"]
    assert policies.condition("Programmed")[:2] == ("True", "Programmed")


async def test_status_is_decided_anew_where_somebody_edited_the_policy_first(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    api.on("PATCH claudepolicies/status", overtaken(lambda: policies.apply(retry={"maxAttempts": 7})))
    policies.apply()
    await operator.settled()
    assert [each.status for each in api.requests if each.what == "PATCH claudepolicies/status"] == [409, 200]
    assert policies.status()["observedGeneration"] == 2
    assert "maxAttempts: 7" in policies.file()


async def test_condition_that_another_controller_wrote_meanwhile_stays(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    theirs = {"type": "Theirs", "status": "True", "observedGeneration": 1}

    def write_theirs() -> None:
        api.edit(policies.path(), {"status": {"conditions": [theirs]}})

    api.on("PATCH claudepolicies/status", overtaken(write_theirs))
    policies.apply()
    await operator.settled()
    assert theirs in policies.status()["conditions"]
    assert policies.condition("Programmed")[0] == "True"


async def test_policy_made_anew_before_its_status_was_written_gets_its_own(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()

    def make_anew() -> None:
        policies.delete()
        policies.apply(routes=[{"name": "other"}])

    api.on("PATCH claudepolicies/status", overtaken(make_anew))
    policies.apply()
    await operator.settled()
    uid = api.at(policies.path())["metadata"]["uid"]
    assert policies.config_map()["metadata"]["labels"][names.POLICY_UID] == uid
    assert policies.condition("Programmed")[0] == "True"
    assert "other" in policies.file()


async def test_config_map_is_put_right_from_what_another_hand_left_just_before(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    policies.apply()
    await operator.settled()

    def write_first() -> None:
        api.edit(policies.config_map_path(), {"data": {"more": "x"}})

    api.on("PATCH configmaps", overtaken(write_first))
    policies.apply(retry={"maxAttempts": 9})
    await operator.settled()
    assert [each.status for each in api.requests if each.what == "PATCH configmaps"] == [409, 200]
    assert policies.config_map()["data"].keys() == {names.POLICY_KEY}
    assert "maxAttempts: 9" in policies.file()


async def test_policy_gone_before_its_status_was_written_is_forgotten(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    api.on("PATCH claudepolicies/status", overtaken(policies.delete))
    policies.apply()
    await operator.settled()
    assert policies.config_map() is None
    assert len(operator.queue) == 0


async def test_one_key_is_never_worked_on_twice_at_a_time(
    start: Start, api: ScriptedApi, policies: Policies
) -> None:
    operator = await start()
    api.on("PATCH configmaps", unanswered(), 1)
    policies.apply()
    await operator.settled()
    api.requests.clear()
    policies.apply(retry={"maxAttempts": 2})
    await operator.settled(1)
    policies.apply(retry={"maxAttempts": 3})
    await operator.settled(1)
    assert api.asked() == ["PATCH configmaps"], "the second edit waits for the first one's pass"
    await operator.settled(30)
    assert "maxAttempts: 3" in policies.file()


async def test_pass_that_dies_of_a_fault_of_its_own_ends_the_process_and_frees_its_key(
    api: ScriptedApi, policies: Policies, virtual_wall_clock: None
) -> None:
    def broken(*_: object) -> list[str]:
        raise ZeroDivisionError

    policies.apply()
    running = Reconciling(api, judge=broken)
    with pytest.raises(ZeroDivisionError):
        async with running.running():
            await running.settled(0.1)
    began = clock.now()
    await running.queue.take()
    assert clock.now() - began < 1

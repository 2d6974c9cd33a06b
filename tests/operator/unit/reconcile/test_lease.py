"""The Lease: who holds it, how long others wait for it, and when a holder must stop."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from support.operator.scripted.api import ALWAYS, ScriptedApi
from support.operator.scripted.faults import overtaken, refused, unanswered

from claude_operator.cluster import paths
from claude_operator.cluster.api import ApiError
from claude_operator.reconcile.lease import NAME, LeaseKeeper, LeaseLost
from claude_sidecar import clock

pytestmark = [pytest.mark.looptime, pytest.mark.usefixtures("virtual_wall_clock")]

LEASE_S = 15.0
PATH = f"{paths.leases('ours')}/{NAME}"
THEIRS = {"holderIdentity": "other", "leaseDurationSeconds": 15, "renewTime": "1", "leaseTransitions": 3}
Keeper = Callable[..., LeaseKeeper]


@pytest.fixture
def keeper(api: ScriptedApi) -> Keeper:
    """Makes keepers, `keeper("me")`."""
    return lambda identity="me", seconds=LEASE_S: LeaseKeeper(api, "ours", identity, seconds)


def spec(api: ScriptedApi) -> dict[str, Any]:
    return dict(api.at(PATH)["spec"])


async def taken_after_s(keeper: LeaseKeeper, within_s: float = 1000.0) -> float:
    """How long it took to take it."""
    began = clock.now()
    async with asyncio.timeout(within_s):
        await keeper.take()
    return clock.now() - began


async def lost_after_s(keeper: LeaseKeeper) -> tuple[float, str]:
    """How long it was held, and why it was lost."""
    began = clock.now()
    with pytest.raises(LeaseLost) as caught:
        await keeper.hold()
    return clock.now() - began, str(caught.value)


async def test_first_holder_makes_it_at_once(api: ScriptedApi, keeper: Keeper) -> None:
    assert await taken_after_s(keeper()) == 0
    found = spec(api)
    assert (found["holderIdentity"], found["leaseDurationSeconds"], found["leaseTransitions"]) == (
        "me",
        15,
        0,
    )
    assert found["acquireTime"] == found["renewTime"] == "2026-01-01T00:00:00.000000Z"


async def test_one_that_was_given_back_is_taken_at_once(api: ScriptedApi, keeper: Keeper) -> None:
    api.edit(PATH, {"spec": {**THEIRS, "holderIdentity": ""}})
    assert await taken_after_s(keeper()) == 0
    assert spec(api)["leaseTransitions"] == 3


async def test_ones_own_is_taken_at_once_and_was_acquired_when_it_was(
    api: ScriptedApi, keeper: Keeper
) -> None:
    await keeper().take()
    await clock.sleep(60)
    assert await taken_after_s(keeper()) == 0
    assert spec(api)["acquireTime"] == "2026-01-01T00:00:00.000000Z"
    assert spec(api)["renewTime"] == "2026-01-01T00:01:00.000000Z"


@pytest.mark.parametrize("renewed", ["1999-01-01T00:00:00Z", "2999-01-01T00:00:00Z", None])
async def test_one_that_nobody_renews_runs_out_by_the_waiting_ones_own_clock(
    api: ScriptedApi, keeper: Keeper, renewed: str | None
) -> None:
    api.edit(PATH, {"spec": {**THEIRS, "renewTime": renewed}})
    assert LEASE_S < await taken_after_s(keeper()) <= LEASE_S + 3.1
    assert (spec(api)["holderIdentity"], spec(api)["leaseTransitions"]) == ("me", 4)


async def test_one_runs_out_after_its_holders_time_not_after_ones_own(
    api: ScriptedApi, keeper: Keeper
) -> None:
    api.edit(PATH, {"spec": {**THEIRS, "leaseDurationSeconds": 60}})
    assert 60 < await taken_after_s(keeper()) <= 64


async def test_one_that_is_renewed_is_waited_for(api: ScriptedApi, keeper: Keeper) -> None:
    holder, other = keeper("holder"), keeper("other")
    await holder.take()
    holding = asyncio.create_task(holder.hold())
    with pytest.raises(TimeoutError):
        await taken_after_s(other, within_s=600)
    holding.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await holding
    assert LEASE_S - 5 < await taken_after_s(other) <= LEASE_S + 3.1


async def test_of_two_that_want_one_that_has_run_out_one_gets_it(api: ScriptedApi, keeper: Keeper) -> None:
    leaders = []

    async def lead(name: str) -> None:
        candidate = keeper(name)
        await candidate.take()
        leaders.append(name)
        await candidate.hold()

    api.edit(PATH, {"spec": THEIRS})
    both = [asyncio.create_task(lead(name)) for name in ("a", "b")]
    await clock.sleep(600)
    assert leaders == [spec(api)["holderIdentity"]]
    assert 409 in {request.status for request in api.requests}, "both tried"
    for task in both:
        task.cancel()


async def test_of_two_that_want_to_make_it_one_does(api: ScriptedApi, keeper: Keeper) -> None:
    api.on("POST leases", overtaken(lambda: api.edit(PATH, {"spec": THEIRS})))
    assert await taken_after_s(keeper()) > LEASE_S
    assert [each.status for each in api.requests if each.method != "GET"] == [409, 200]


async def test_waiting_is_told_once_for_each_reason(
    api: ScriptedApi, keeper: Keeper, caplog: pytest.LogCaptureFixture
) -> None:
    api.edit(PATH, {"spec": {**THEIRS, "leaseDurationSeconds": 100}})
    api.on("GET leases", refused(403, "not yours"), 3)
    await keeper().take()
    reasons = [record.facts["reason"] for record in caplog.records]  # type: ignore[attr-defined]
    assert reasons == [
        f"Lease ours/{NAME} cannot be taken: not yours",
        f"another operator holds Lease ours/{NAME}: other",
    ]


async def test_it_is_renewed_three_times_in_its_life_and_keeps_what_others_wrote(
    api: ScriptedApi, keeper: Keeper
) -> None:
    holder = keeper()
    await holder.take()
    api.edit(PATH, {"metadata": {"annotations": {"a": "b"}}})
    api.requests.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60.1):
            await holder.hold()
    assert api.asked() == ["PUT leases"] * 12
    assert spec(api)["renewTime"] == "2026-01-01T00:01:00.000000Z"
    assert api.at(PATH)["metadata"]["annotations"] == {"a": "b"}


async def test_one_that_another_took_is_lost_at_the_next_renewal(api: ScriptedApi, keeper: Keeper) -> None:
    holder = keeper()
    await holder.take()
    api.edit(PATH, {"spec": {"holderIdentity": "other"}})
    held_s, why = await lost_after_s(holder)
    assert held_s == LEASE_S / 3
    assert why == "other holds it now"
    assert spec(api)["holderIdentity"] == "other"


async def test_one_that_another_takes_during_a_renewal_is_lost_and_not_written_over(
    api: ScriptedApi, keeper: Keeper
) -> None:
    holder = keeper()
    await holder.take()
    api.on("PUT leases", overtaken(lambda: api.edit(PATH, {"spec": {"holderIdentity": "other"}})))
    _, why = await lost_after_s(holder)
    assert why == "other holds it now"
    assert spec(api)["holderIdentity"] == "other"


async def test_one_that_somebody_deleted_is_made_again(api: ScriptedApi, keeper: Keeper) -> None:
    holder = keeper()
    await holder.take()
    api.on("PUT leases", overtaken(lambda: api.remove(PATH)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(12):
            await holder.hold()
    assert [each.status for each in api.requests if each.method in ("PUT", "POST")] == [200, 409, 200]
    assert spec(api)["holderIdentity"] == "me"


@pytest.mark.parametrize("failures", [1, 2, 3])
async def test_renewal_that_fails_and_then_does_not_loses_nothing(
    api: ScriptedApi, keeper: Keeper, failures: int
) -> None:
    holder = keeper()
    await holder.take()
    api.on("* leases", refused(503), failures)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60):
            await holder.hold()
    assert spec(api)["holderIdentity"] == "me"


@pytest.mark.parametrize("what", ["GET leases", "PUT leases"])
async def test_one_that_cannot_be_renewed_is_lost_before_another_may_take_it(
    api: ScriptedApi, keeper: Keeper, what: str
) -> None:
    holder = keeper()
    await holder.take()
    api.on(what, refused(503, "etcd is away"), ALWAYS)
    assert await lost_after_s(holder) == (LEASE_S, "it could not be renewed for 15 s: etcd is away")


@pytest.mark.parametrize("what", ["GET leases", "PUT leases"])
async def test_one_whose_renewals_get_no_answer_is_lost_before_another_may_take_it(
    api: ScriptedApi, keeper: Keeper, what: str
) -> None:
    holder = keeper()
    await holder.take()
    api.on(what, unanswered(), ALWAYS)
    held_s, why = await lost_after_s(holder)
    assert held_s <= LEASE_S
    assert why.startswith("it could not be renewed for 15 s")


async def test_it_is_given_back_at_the_end_so_that_the_next_need_not_wait(
    api: ScriptedApi, keeper: Keeper
) -> None:
    holder = keeper()
    await holder.take()
    await holder.release()
    assert spec(api)["holderIdentity"] == ""
    assert await taken_after_s(keeper("next")) == 0


async def test_it_is_given_back_although_somebody_wrote_to_it(api: ScriptedApi, keeper: Keeper) -> None:
    holder = keeper()
    await holder.take()
    api.edit(PATH, {"metadata": {"annotations": {"a": "b"}}})
    await holder.release()
    assert spec(api)["holderIdentity"] == ""
    assert api.at(PATH)["metadata"]["annotations"] == {"a": "b"}


async def test_it_is_given_back_after_a_renewal_whose_answer_never_came(
    api: ScriptedApi, keeper: Keeper
) -> None:
    holder = keeper()
    await holder.take()
    api.on("PUT leases", unanswered(carried_out=True))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(6):
            await holder.hold()
    await holder.release()
    assert spec(api)["holderIdentity"] == ""


async def test_one_that_another_holds_by_now_is_left_to_it(api: ScriptedApi, keeper: Keeper) -> None:
    holder = keeper()
    await holder.take()
    api.edit(PATH, {"spec": {"holderIdentity": "other"}})
    await holder.release()
    assert spec(api)["holderIdentity"] == "other"


async def test_one_that_was_never_taken_is_not_given_back(api: ScriptedApi, keeper: Keeper) -> None:
    waiting = keeper()
    api.edit(PATH, {"spec": THEIRS})
    with pytest.raises(TimeoutError):
        await taken_after_s(waiting, within_s=5)
    await waiting.release()
    assert api.asked() == []


async def test_api_server_that_refuses_it_back_is_told_to_the_caller(
    api: ScriptedApi, keeper: Keeper
) -> None:
    holder = keeper()
    await holder.take()
    api.on("PUT leases", refused(500))
    with pytest.raises(ApiError):
        await holder.release()

"""Promise 6 and the sixteen troubles in real time: the official SDK, sockets, sidecar processes."""

import asyncio

import pytest
from bench.failover.result import Result, broken_rules
from bench.failover.scenarios import SCENARIOS
from bench.failover.stage import through_sidecar
from bench.failover.table import SENDS_MOST
from bench.promise.for_real import hunt_for_real

pytestmark = pytest.mark.processes

BEHAVIOURS, AT_ONCE = 8, 3


def test_calls_are_never_worse_off_with_a_sidecar_process() -> None:
    async def hunt():
        return [find async for _, _, find in hunt_for_real(range(BEHAVIOURS), AT_ONCE)]

    played = asyncio.run(hunt())
    assert len(played) == BEHAVIOURS
    assert [(find.seed, find.behaviour, find.breaches) for find in played if find] == []


@pytest.fixture(scope="module")
def came() -> dict[str, Result]:
    """What came of each scenario, some at a time: they wait more than they work."""

    async def play():
        room = asyncio.Semaphore(AT_ONCE)

        async def one(scenario):
            async with room:
                return await through_sidecar(scenario)

        return await asyncio.gather(*map(one, SCENARIOS))

    return {scenario.name: result for scenario, result in zip(SCENARIOS, asyncio.run(play()), strict=True)}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_trouble_ends_as_was_stated_beforehand(scenario, came) -> None:
    result = came[scenario.name]
    assert scenario.right(result), result
    assert broken_rules(result, SENDS_MOST) == []

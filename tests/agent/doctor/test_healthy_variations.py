"""No check complains of what is healthy."""

import pytest
from tests.agent.doctor.conftest import Stage
from tests.agent.doctor.healthy import HEALTHY, Healthy

from claude_sidecar.doctor.check import Result, Verdict, verdict_of

pytestmark = pytest.mark.looptime


def test_there_are_forty_of_them() -> None:
    assert len({healthy.name for healthy in HEALTHY}) == len(HEALTHY) >= 40


@pytest.mark.parametrize("healthy", HEALTHY, ids=[healthy.name for healthy in HEALTHY])
async def test_a_healthy_variation_raises_no_alarm(healthy: Healthy, stage: Stage) -> None:
    await healthy.setting(stage)
    examined = await stage.examine()
    assert verdict_of(examined.checks) is Verdict.HEALTHY, examined.printed
    calls = [check for check in examined.checks if check.id in ("known-good-call", "wanted-model")]
    assert any(check.result is Result.OK for check in calls), examined.printed

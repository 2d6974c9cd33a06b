"""Every seeded fault is named by its check, and nothing of the key is printed."""

import pytest
from tests.agent.doctor.conftest import KEY, Stage
from tests.agent.doctor.faults import FAULTS, Fault

from claude_sidecar.doctor.check import Result, Verdict, verdict_of

pytestmark = pytest.mark.looptime


def test_there_are_forty_of_them() -> None:
    assert len(FAULTS) >= 40
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
async def test_a_seeded_fault_is_named(fault: Fault, stage: Stage) -> None:
    await fault.setting(stage)
    examined = await stage.examine()
    faults = [check for check in examined.checks if check.result is Result.FAULT]
    named = [check for check in faults if check.id == fault.check]
    assert any(fault.says in f"{check.finding} {check.fix}" for check in named), examined.printed
    assert verdict_of(examined.checks) is Verdict.FAULT
    for at in range(len("sk-ant-api03-"), len(KEY) - 5):
        assert KEY[at : at + 6].lower() not in examined.printed.lower()
    assert "proxy-password" not in examined.printed

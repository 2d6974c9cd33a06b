"""A clock that jumps: how far it has gone makes no difference."""

import asyncio

import pytest

from claude_sidecar.replay.virtual_time import VirtualTimeLoop


@pytest.mark.parametrize("began_s", [0.0, 1e6, 2e7, 7e8, 3e11])
@pytest.mark.long
def test_a_timer_is_due_however_late_it_is(began_s: float) -> None:
    async def course() -> list[float]:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(began_s)
        times = []
        for pause_s in (5.0, 1e-3, 1e-7, 0.25):
            await asyncio.sleep(pause_s)
            times.append(loop.time() - began_s)
        return times

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        times = runner.run(course())
    assert times == sorted(times)
    assert times[-1] == pytest.approx(5.251, abs=1e-3)

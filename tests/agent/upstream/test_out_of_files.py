"""A dial that fails for lack of files: once more without what rests, within the same time."""

import asyncio

import pytest
from support.fakes.dead_address import dead_address
from support.fakes.scripted_upstream import ScriptedUpstream

from claude_sidecar.schema.routes import ProviderName
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.upstream.failure import ConnectFailed
from claude_sidecar.upstream.out_of_files import OutOfFiles

pytestmark = pytest.mark.looptime

DEAD = "127.0.0.2"


@pytest.fixture(autouse=True)
def no_files(monkeypatch) -> None:
    for where in ("dial", "transport"):
        monkeypatch.setattr(f"claude_sidecar.upstream.{where}.files_are_spent", lambda: True)


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_dial_that_had_all_its_time_gets_no_more(lined) -> None:
    with dead_address(DEAD) as port:
        async with lined(ScriptedUpstream()) as line:
            line.route = Route("first", "http", DEAD, port, "", None, None, ProviderName.ANTHROPIC)
            with pytest.raises(OutOfFiles):
                await line.send(connect_s=5.0)
            assert now() == pytest.approx(5, abs=0.01)


async def test_the_second_dial_has_the_time_that_the_first_left(lined, monkeypatch) -> None:
    dials = 0

    async def connect(*_: object) -> None:
        nonlocal dials
        dials += 1
        if dials == 1:
            await asyncio.sleep(3)
            raise OSError(24, "Too many open files")
        monkeypatch.setattr("claude_sidecar.upstream.transport.files_are_spent", lambda: False)
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect, raising=False)
    async with lined(ScriptedUpstream()) as line:
        with pytest.raises(ConnectFailed, match="within 2 s"):
            await line.send(connect_s=5.0)
        assert (dials, now()) == (2, pytest.approx(5, abs=0.01))

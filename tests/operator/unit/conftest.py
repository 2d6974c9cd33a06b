"""An API server in process, and wall time that passes as the event loop's does."""

import pytest
from support.operator.scripted.api import ScriptedApi
from support.worlds.objects import T0_UNIX

from claude_sidecar import clock


@pytest.fixture
def api() -> ScriptedApi:
    """An API server with no objects yet."""
    return ScriptedApi()


@pytest.fixture
def virtual_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests in virtual time: the wall clock goes with the loop's, from 2026-01-01 on."""
    monkeypatch.setattr(clock, "unix_ns", lambda: int((T0_UNIX + clock.now()) * 1e9))

"""Fixtures that tests of every folder may use, and what the markers of tests mean."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from support.free_ports import free_ports
from support.needs import NEEDS, TELL_NEEDS, lacking, needs_of

# Elapsed time says how busy the machine is, not whether a property holds.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

_RUNNING: list[pytest.Item] = []
"""The test under way, for the guard below; an audit hook cannot be told apart or taken back."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    for need, meaning in NEEDS.items():
        config.addinivalue_line("markers", f"{need}: {meaning}")


def pytest_sessionstart() -> None:
    """Say that the main thread has no event loop.

    A plugin asks for it before each test; left unsaid, the first answer would be a loop that nobody closes,
    and some later test would be blamed for it.
    """
    asyncio.set_event_loop(None)
    sys.addaudithook(_guard)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures that they ask for, and leave out what this machine cannot carry.

    Before pytest's own `-m` chooses: hence first.
    """
    lacks, left_out = lacking(), []
    for item in items:
        needs = needs_of(item)
        for need in needs:
            item.add_marker(need)
        if needs & lacks.keys():
            left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write the needs of the chosen tests where tools/run_tests.py asks for them."""
    if TELL_NEEDS in os.environ:
        chosen = [sorted(needs_of(item)) for item in session.items]
        Path(os.environ[TELL_NEEDS]).write_text(json.dumps(chosen))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was left out where everybody looks: just before the last line."""
    for need, reason in lacking().items():
        terminalreporter.write_line(f"left out: tests that need {NEEDS[need]}: {reason}", yellow=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    """Tell the guard which test is under way."""
    _RUNNING[:] = [item]
    try:
        return (yield)
    finally:
        _RUNNING.clear()


def _guard(event: str, _: tuple[Any, ...]) -> None:
    """No test starts a process without a marker that says so: `make unit` is to run anywhere."""
    if event == "subprocess.Popen" and _RUNNING and not needs_of(_RUNNING[0]) - {"long"}:
        raise AssertionError("this test starts a process: mark it `pytest.mark.processes`")


@pytest.fixture
def free_port() -> int:
    """A loopback port on which nobody listens."""
    (port,) = free_ports(1)
    return port

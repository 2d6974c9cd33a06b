"""Fixtures that tests of every folder may use, and what the markers of tests mean."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from support.cluster.programs import minors, programs_of
from support.free_ports import free_ports
from support.guard import guard
from support.needs import NEEDS, TELL_NEEDS, lacking, needs_of

# Elapsed time says how busy the machine is, not whether a property holds.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


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
    guard.install()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures that they ask for, and leave out what this machine cannot carry.

    Before pytest's own `-m` chooses: hence first.
    """
    lacks = lacking().keys()
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        needs = needs_of(item)
        for need in needs:
            item.add_marker(need)
        (left_out if needs & lacks else kept).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


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
    guard.running = item
    try:
        return (yield)
    finally:
        guard.running = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Any:
    """Fail a test that was stopped by the guard and went on."""
    result = yield
    guard.check()
    return result


@pytest.fixture
def free_port() -> int:
    """A loopback port on which nobody listens."""
    (port,) = free_ports(1)
    return port


@pytest.fixture(scope="session")
def programs() -> Path:
    """The usual minor's programs, for a test that starts a control plane of its own."""
    return programs_of(minors()[0])

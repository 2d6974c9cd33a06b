"""Fixtures that tests of every folder may use."""

import asyncio

import pytest
from hypothesis import HealthCheck, settings
from support.free_ports import free_ports

# Elapsed time says how busy the machine is, not whether a property holds.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_sessionstart() -> None:
    """Say that the main thread has no event loop.

    A plugin asks for it before each test; left unsaid, the first answer would be a loop that nobody closes,
    and some later test would be blamed for it.
    """
    asyncio.set_event_loop(None)


@pytest.fixture
def free_port() -> int:
    """A loopback port on which nobody listens."""
    (port,) = free_ports(1)
    return port

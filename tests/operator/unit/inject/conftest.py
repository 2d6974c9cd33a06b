"""Pods, workloads and surroundings for the tests of injection."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from support.fakes.pods import FIRST_FORWARDS, OWN_KEYS

from claude_operator.inject.place import Place
from claude_operator.inject.pod import Injected, inject
from claude_operator.inject.settings import Settings


@pytest.fixture
def settings() -> Settings:
    """What comes with the chart."""
    return Settings(image="registry.example/claude-sidecar:1")


@pytest.fixture
def place() -> Place:
    """A namespace with the policies that tests name."""
    return Place("shop", policies={"production": {}, "keyed": OWN_KEYS, "mixed": FIRST_FORWARDS})


@pytest.fixture
def injected(settings: Settings, place: Place) -> Callable[..., Injected]:
    """Injects, and holds what is true of every injection: it changes no input, and twice is once."""

    def run(pod: dict[str, Any], **other: Any) -> Injected:
        before = copy.deepcopy(pod)
        arguments = {"place": place, "settings": settings, **other}
        done = inject(pod, arguments["place"], arguments["settings"])
        assert pod == before
        assert inject(done.pod, arguments["place"], arguments["settings"]).pod == done.pod
        return done

    return run

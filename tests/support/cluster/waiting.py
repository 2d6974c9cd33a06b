"""Waiting for what a cluster does in its own time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(probe: Callable[[], T], what: str, *, seconds: float = 60.0) -> T:
    """What *probe* says once it is true; asked every 50 ms, AssertionError after *seconds*.

    *what* completes the sentence "not within N s: ..." and the last thing that the probe said follows.
    """
    pause, last = threading.Event(), time.monotonic() + seconds
    while True:
        said = probe()
        if said:
            return said
        if time.monotonic() > last:
            raise AssertionError(f"not within {seconds:g} s: {what}; last seen: {said!r}")
        pause.wait(0.05)

"""The folder where images, bases and wheels outlive a checkout, and the lock on it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from toolchain import say


def shelf() -> Path:
    """The folder; images lie at its top."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "claude-sidecar" / "images"


@contextlib.contextmanager
def one_builder() -> Iterator[None]:
    """Hold the shelf's lock: another checkout may be building the same."""
    shelf().mkdir(parents=True, exist_ok=True)
    with (shelf() / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is building images: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield

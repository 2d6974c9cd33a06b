"""One process at a time at a folder that several checkouts share."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from toolchain import say


@contextlib.contextmanager
def one_builder(folder: Path, work: str) -> Iterator[None]:
    """Hold a folder's lock, and say what is waited for where another process holds it.

    Args:
        folder: made where it is missing
        work: what is done under the lock, such as "building images"
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run is {work}: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield

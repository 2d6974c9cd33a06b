"""One process at a time at a folder that several checkouts share."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from locked_folder import locked, within_reach


@contextlib.contextmanager
def one_builder(folder: Path, work: str) -> Iterator[None]:
    """Hold a folder's lock, and say what is waited for where another process holds it.

    Args:
        folder: made where it is missing
        work: what is done under the lock, such as "building images"
    """
    with within_reach("Let XDG_CACHE_HOME name a folder that you may write to."):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "lock", work):
            yield

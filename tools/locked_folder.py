"""One process at a time in a set-up step, and stamps that say what a folder was made from."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
USER_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "claude-sidecar"
"""For what is dear to make and outlives a checkout."""


def digest(*parts: str | Path) -> str:
    """SHA-256 over strings and the contents of files, in hex."""
    sha = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode()
        sha.update(len(content).to_bytes(8, "big") + content)
    return sha.hexdigest()


def is_stamped(stamp: Path, key: str) -> bool:
    """Whether a step ended well and nothing that it was made from has changed since."""
    return stamp.is_file() and stamp.read_text().strip() == key


def write_stamp(stamp: Path, key: str) -> None:
    """Note that a step ended well."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(key + "\n")


TO_DO = (
    "Something is yet to be set up in the project's folder: run make once as a user who may write there, "
    "or in a copy of your own."
)


@contextlib.contextmanager
def within_reach(to_do: str = TO_DO) -> Iterator[None]:
    """Where something may not be written, or read, end with a line that names it and says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        raise SystemExit(f"make: {error.filename} is out of reach: {error.strerror}. {to_do}") from None


@contextlib.contextmanager
def locked(path: Path, work: str) -> Iterator[None]:
    """Hold a lock file, and say on stderr what is waited for where another process holds it."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"==> another run is {work}: waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def exclusive(name: str, work: str) -> Iterator[None]:
    """Hold a lock of this checkout, so that two set-ups at once do not undo each other's work.

    Only for what is not there yet: a folder that is only read has no room for the lock's file.
    """
    with within_reach():
        CACHE.mkdir(exist_ok=True)
        with locked(CACHE / f"{name}.lock", work):
            yield


def once(stamp: Path, key: str, work: str, make: Callable[[], None]) -> None:
    """Have a step done unless its stamp holds; where it does, nothing is written.

    Args:
        stamp: in a folder of this step, whose name is the lock's, too
        key: of what the step is made from
        work: what the step does, such as "compiling the Go drivers"
        make: does it
    """
    if is_stamped(stamp, key):
        return
    with exclusive(stamp.parent.name, work):
        if not is_stamped(stamp, key):
            make()
            write_stamp(stamp, key)

"""One process at a time in a set-up step, and stamps that say what a folder was made from."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
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


@contextlib.contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Hold a lock of this name, so that two set-ups at once do not undo each other's work."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

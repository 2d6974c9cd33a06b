"""A cluster's folder, gone when its process ends: a later run removes what a killed one left behind."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


def _all_folders() -> Path:
    """Where this user's clusters live; short, because paths of sockets must be."""
    folders = Path(tempfile.gettempdir()) / f"claude-sidecar-clusters-{os.getuid()}"
    folders.mkdir(mode=0o700, exist_ok=True)
    if folders.stat().st_uid != os.getuid():
        raise PermissionError(f"{folders} belongs to somebody else: remove it, or set TMPDIR")
    return folders


def _hold(path: Path, *, wait: bool) -> IO[str] | None:
    """A locked file, or nothing if another process holds it; the kernel frees it when its holder ends."""
    handle = path.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        handle.close()
        return None
    return handle


def _sweep(folders: Path) -> None:
    """Remove folders whose process is gone."""
    for folder in folders.iterdir():
        # One that ends in order may be removing its own folder just now.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if held := _hold(folder / "lock", wait=False):
                shutil.rmtree(folder, ignore_errors=True)
                held.close()


@contextlib.contextmanager
def state_folder() -> Iterator[Path]:
    """A new folder until the end of the block."""
    folders = _all_folders()
    with contextlib.ExitStack() as stack:
        # Nobody sweeps between the making of the folder and of its lock.
        making = _hold(folders / "sweep.lock", wait=True)
        assert making
        with making:
            _sweep(folders)
            folder = Path(tempfile.mkdtemp(dir=folders, prefix=""))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            held = _hold(folder / "lock", wait=False)
            assert held
            stack.enter_context(held)
        yield folder

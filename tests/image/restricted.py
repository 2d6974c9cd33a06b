"""Runs a program of the image as the cluster would: process 1, no right of root, nothing writable but /tmp.

Namespaces are made by `unshare`, so no container runtime is needed; all mounts go with the namespace.
The network is the host's, so that tests reach the program on loopback.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--propagation", "private", "--")
_ENTER = """\
set -eu
root=$1; uid=$2; shift 2
mkdir -p "$root/dev"
mount --bind "$root" "$root"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid "$uid" --regid "$uid" --clear-groups --no-new-privs \\
    --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
"""


class Restricted:
    """One image's programs. *config* is the image's own; *root* its unpacked files."""

    def __init__(self, config: dict[str, Any], root: Path) -> None:
        self._image, self._root = config["config"], root

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run to the end; options as of `start`."""
        with self.start(*arguments, **options) as running:
            out, err = running.communicate(timeout=30)
            return subprocess.CompletedProcess(running.args, running.returncode, out, err)

    @contextlib.contextmanager
    def start(
        self,
        *arguments: str,
        command: Sequence[str] | None = None,
        uid: int | None = None,
        env: dict[str, str] | None = None,
    ) -> Iterator[subprocess.Popen[str]]:
        """Run until the end of the block.

        *arguments* follow the image's entry point, or *command* in its place; *uid* takes the place of the
        image's user.
        """
        program = [*(command if command is not None else self._image["Entrypoint"]), *arguments]
        user = str(uid) if uid is not None else self._image["User"].partition(":")[0]
        variables = dict(variable.split("=", 1) for variable in self._image["Env"]) | (env or {})
        running = subprocess.Popen(
            [*_UNSHARE, "sh", "-c", _ENTER, "enter", str(self._root), user, *program],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield running
        finally:
            # With process 1 all others inside end too, and then `unshare` by itself.
            for child in _children(running):
                os.kill(child, signal.SIGKILL)
            running.communicate()


def _children(running: subprocess.Popen[str]) -> list[int]:
    try:
        told = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in told.split()]


def process_1(running: subprocess.Popen[str]) -> int:
    """The host's number of the process that is number 1 inside."""
    children = _children(running)
    assert len(children) == 1, f"it has ended already: {running.communicate()}"
    return children[0]


def terminate(running: subprocess.Popen[str]) -> None:
    """Ask process 1 to end, as a kubelet does."""
    os.kill(process_1(running), signal.SIGTERM)


def status(running: subprocess.Popen[str]) -> dict[str, str]:
    """What the kernel says of process 1: user, rights, number inside."""
    lines = Path(f"/proc/{process_1(running)}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)

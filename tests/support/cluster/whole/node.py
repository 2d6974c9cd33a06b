"""A node that is a set of namespaces of this machine: processes, mounts and network of its own.

All that runs in it descends from one process, so when the kernel ends that one, nothing of it is left: no
process, mount, interface, route or firewall rule. Who is in it is asked of the kernel, not of files that a
crash would leave wrong.
"""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.cluster.waiting import until
from support.cluster.whole.places import API_PORT

NAMESPACES = ("--mount", "--pid", "--net")
UNSHARED = ("--fork", "--kill-child", "--mount-proc", "--propagation=private")


class NodeFailed(Exception):
    """What the node is made of could not be made; the text says what the machine said."""


def run(*command: str | Path) -> str:
    """What a command of the machine prints.

    Errors: NodeFailed with what it said on stderr.
    """
    try:
        ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    except FileNotFoundError as missing:
        raise NodeFailed(f"{command[0]} is not installed") from missing
    if ended.returncode != 0:
        raise NodeFailed(f"{' '.join(map(str, command))}: {ended.stderr.strip() or ended.stdout.strip()}")
    return ended.stdout


def _processes() -> Iterator[tuple[int, list[str]]]:
    """Every process with its command line; one that has ended and waits for its parent has none."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                yield int(folder.name), [word.decode(errors="replace") for word in words]


def _is_first(pid: int) -> bool:
    """Whether it is the first process of a namespace."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        inside = next(line.split()[1:] for line in status if line.startswith("NSpid:"))
        return len(inside) > 1 and inside[-1] == "1"
    return False


class Node:
    """The node whose state is in a folder, whoever started it.

    Args:
        state: the folder; it marks the node's first process
    """

    def __init__(self, state: Path) -> None:
        self._state = state

    @property
    def pid(self) -> int | None:
        """Its first process, while there is one."""
        mark = ["node", str(self._state)]
        return next((pid for pid, words in _processes() if words[1:3] == mark and _is_first(pid)), None)

    def start(self, pause: Path, port: int) -> int:
        """Make the namespaces; what connects to *port* on loopback outside reaches the API server inside."""
        with socket.create_server(("127.0.0.1", port)) as listener, self.log("node").open("ab") as log:
            target = f"127.0.0.1:{API_PORT}"
            first = [pause, "node", self._state, str(listener.fileno()), target]
            # setsid forks: the node outlives us, and is not our child to wait for.
            subprocess.run(
                ["setsid", "--fork", "unshare", *NAMESPACES, *UNSHARED, "--", *map(str, first)],
                check=True,
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            try:
                return until(lambda: self.pid, "the node's namespaces are there") or 0
            except AssertionError as late:
                raise NodeFailed(f"{late}\n{self.tail('node')}") from late

    def inside(self, *command: str | Path) -> list[str]:
        """A command line that runs in the node's namespaces."""
        return ["nsenter", f"--target={self.pid}", *NAMESPACES, "--", *map(str, command)]

    def log(self, name: str) -> Path:
        """Where a process of the node writes."""
        return self._state / f"{name}.log"

    def tail(self, name: str) -> str:
        """The last lines of that."""
        return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-25:])

    def launch(self, program: Path, arguments: Sequence[str], environ: dict[str, str]) -> None:
        """Start a program in the node; it belongs to the node from then on.

        Errors: NodeFailed when it ends at once.
        """
        with self.log(program.name).open("ab") as log:
            subprocess.run(
                self.inside("setsid", "--fork", program, *arguments),
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environ,
            )
        try:
            until(lambda: self.pid_of(program), f"{program.name} runs")
        except AssertionError as late:
            raise NodeFailed(f"{late}\n{self.tail(program.name)}") from late

    def pid_of(self, program: Path) -> int | None:
        """The process that runs this program in the node itself, not in a pod."""
        node = self.pid
        here = node and _namespace(node)
        found = (pid for pid, words in _processes() if words[0] == str(program))
        return next((pid for pid in found if here and _namespace(pid) == here), None)

    def end(self, program: Path, *, kill: bool = False) -> None:
        """End a program and wait for that: politely (SIGKILL after 10 s), or with SIGKILL at once."""
        pid = self.pid_of(program)
        if pid is None:
            return
        _signal(pid, signal.SIGKILL if kill else signal.SIGTERM)
        with contextlib.suppress(AssertionError):
            until(lambda: self.pid_of(program) != pid, f"{program.name} ends")
            return
        _signal(pid, signal.SIGKILL)
        until(lambda: self.pid_of(program) != pid, f"{program.name} ends")

    def stop(self) -> None:
        """End the node with all that is in it."""
        pid = self.pid
        if pid is not None:
            _signal(pid, signal.SIGKILL)
            # The kernel lets the first process of a namespace end last.
            until(lambda: _has_ended(pid), "the node ends")


def _has_ended(pid: int) -> bool:
    """Whether it runs no more, though nobody may have asked yet how it ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    return True


def _namespace(pid: int) -> str | None:
    with contextlib.suppress(OSError):
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    return None


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)

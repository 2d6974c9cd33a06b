"""One component of a cluster as a process that ends with the tests, whatever ends them."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LAUNCHER = Path(__file__).with_name("die_with_parent.py")

# The kernel ends a child when the *thread* that started it ends, so one thread that stays starts them all.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cluster-starter")


class ComponentFailed(Exception):
    """A component ended by itself, or did not become ready."""


class Component:
    """A program with its arguments, to be started, stopped and started again; its log grows in one file."""

    def __init__(self, program: Path, arguments: list[str], log: Path) -> None:
        self.name, self.log = program.name, log
        self._command = [str(program), *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start it; does nothing if it runs. Being ready is another matter."""
        if self.pid is None:
            self._process = _starter.submit(self._spawn).result()

    def _spawn(self) -> subprocess.Popen[bytes]:
        launcher = [sys.executable, "-IS", str(LAUNCHER), str(os.getpid())]
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.log.parent), "GOMAXPROCS": "2"}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*launcher, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the tests: they stop their cluster in order
            )

    def stop(self, *, kill: bool = False) -> None:
        """End it and wait for that: politely (SIGKILL after 10 s), or with SIGKILL at once."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def check(self) -> None:
        """Raise if it has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise ComponentFailed(f"{self.name} ended with {self._process.returncode}:\n{self.tail()}")

    def tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:]) if self.log.exists() else ""

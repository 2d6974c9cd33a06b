"""The demo as a process, as a user starts it, and with other scenes or another policy."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).parent / "claude-sidecar"
ONE_SCENE = """\
import functools
from claude_sidecar.cli import demo, main
from claude_sidecar.demo.scenes import POLICY, SCENES
named = [scene for scene in SCENES if scene.name == {scene!r}]
demo.play = functools.partial(demo.play, scenes=named, policy=POLICY.replace(*{change!r}))
main.main(["demo", *{options!r}])
"""


@dataclass(frozen=True)
class Running:
    """A demo under way; temp is where it may put temporary files."""

    process: subprocess.Popen[str]
    temp: Path

    def read_until(self, mark: str) -> str:
        """Its output up to and including the line with *mark*."""
        assert self.process.stdout is not None
        told = ""
        for line in self.process.stdout:
            told += line
            if mark in line:
                return told
        pytest.fail(f"ended without {mark!r}: {told}")

    def end(self) -> tuple[int, str]:
        """Exit code and the rest of the output."""
        rest, _ = self.process.communicate(timeout=60)
        return self.process.returncode, rest

    def leaves_nothing(self, told: str, within_s: float = 10.0) -> bool:
        """Whether the ports that it told are closed and its temporary files gone, in time."""
        ports = [int(port) for port in re.findall(r"http://127\.0\.0\.1:(\d+)", told)]
        assert len(ports) >= 2, told
        pause = threading.Event()
        for _ in range(int(within_s / 0.05)):
            if not any(map(_listens, ports)) and not list(self.temp.iterdir()):
                return True
            pause.wait(0.05)
        return False


Start = Callable[..., Running]


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `claude-sidecar demo OPTIONS`; what still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*options: str, command: Sequence[str | Path] = (PROGRAM, "demo")) -> Running:
        environ = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [*command, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environ,
            # Started by a shell in its background, the tests have Ctrl-C ignored, and so would the demo.
            preexec_fn=_heed_ctrl_c,
        )
        started.append(process)
        return Running(process, tmp_path)

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def start_one(start: Start) -> Start:
    """Start the command with one scene, and with a text of the policy replaced where `change` says so."""

    def run(*options: str, scene: str, change: tuple[str, str] = ("", "")) -> Running:
        code = ONE_SCENE.format(scene=scene, change=change, options=options)
        return start(command=(sys.executable, "-c", code))

    return run


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False

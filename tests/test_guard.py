"""What a test without a marker may not do is stopped, and fails it even where the code under test goes on."""

import asyncio
import contextlib
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.guard import guard, leaves_machine
from support.own_address import own_interface_address
from support.project import ROOT

BEYOND = ("192.0.2.1", 9)
"""An address for documents, RFC 5737: nobody is there."""

SWALLOWS = """
import contextlib, os

def test_goes_on():
    with contextlib.suppress(AssertionError):
        os.system("true")
"""


def fork(how: Callable[[], int]) -> None:
    """A child, should there be one, ends at once."""
    if how() == 0:
        os._exit(0)


def connect(family: socket.AddressFamily, address: tuple[str, int]) -> None:
    with socket.socket(family) as connecting:
        connecting.setblocking(False)
        connecting.connect_ex(address)


STARTS: dict[str, Callable[[], object]] = {
    "subprocess.Popen": lambda: subprocess.run([sys.executable, "-c", ""], check=False),
    "os.system": lambda: os.system("true"),
    "os.fork": lambda: fork(os.fork),
    "os.forkpty": lambda: fork(lambda: pty.fork()[0]),
    "os.posix_spawn": lambda: os.posix_spawn("/nowhere", ["nowhere"], {}),
    "os.exec": lambda: os.execv("/nowhere", ["nowhere"]),
}


@contextlib.contextmanager
def stopped(said: str) -> Iterator[None]:
    """The block is stopped, and would fail its test even if it had gone on."""
    with pytest.raises(AssertionError, match=said):
        yield
    with pytest.raises(AssertionError, match=said):
        guard.check()


@pytest.mark.parametrize("event", STARTS)
def test_no_process_is_started(event: str) -> None:
    with stopped(rf"this test starts a process \({event}\): mark it"):
        STARTS[event]()


@pytest.mark.parametrize(
    ("family", "address"),
    [
        (socket.AF_INET, BEYOND),
        (socket.AF_INET6, ("2001:db8::1", 9)),
        (socket.AF_INET6, ("::ffff:192.0.2.1", 9)),
    ],
)
def test_nobody_beyond_this_machine_is_asked(family: socket.AddressFamily, address: tuple[str, int]) -> None:
    with stopped("this test connects to"):
        connect(family, address)


async def test_nobody_beyond_this_machine_is_asked_by_an_event_loop() -> None:
    with stopped("this test connects to"):
        await asyncio.open_connection(*BEYOND)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", own_interface_address()])
def test_this_machine_may_be_asked(host: str, free_port: int) -> None:
    connect(socket.AF_INET, (host, free_port))
    guard.check()


def test_datagram_socket_may_be_connected_which_sends_nothing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connecting:
        assert not leaves_machine(connecting, BEYOND)


@pytest.mark.processes
def test_marked_test_may_start_processes() -> None:
    assert os.system("true") == 0


@pytest.mark.processes
def test_test_that_goes_on_after_it_was_stopped_fails(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(SWALLOWS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "conftest", "-q"]
    ended = subprocess.run(
        [*command, "-c", ROOT / "pyproject.toml", tmp_path / "test_some.py"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
    )
    assert ended.returncode == 1, ended.stdout
    assert "this test starts a process (os.system)" in ended.stdout

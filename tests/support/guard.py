"""Stops a test that starts a process or uses the network without a marker: `make unit` is to run anywhere."""

import ipaddress
import socket
import sys
from typing import Any

import pytest
from support.needs import needs_of
from support.own_address import own_interface_address

_STARTING = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.system",
        "subprocess.Popen",
    }
)
"""Of https://docs.python.org/3/library/audit_events.html; multiprocessing is seen where it forks."""


class Guard:
    """Watches the test under way through an audit hook, which cannot be taken back.

    What it raises may end in a handler of the code under test: hence what it saw is kept, too.
    """

    def __init__(self) -> None:
        self.running: pytest.Item | None = None
        self.seen: list[str] = []
        self._installed = False

    def install(self) -> None:
        """Watch from here on; a second time changes nothing."""
        if not self._installed:
            sys.addaudithook(self._hook)
            self._installed = True

    def check(self) -> None:
        """Raise AssertionError for what the code under test has swallowed."""
        seen, self.seen = self.seen, []
        assert not seen, seen[0]

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        watched = event in _STARTING or event == "socket.connect"
        if not watched or self.running is None or needs_of(self.running) - {"long"}:
            return
        if event != "socket.connect":
            trouble = f"this test starts a process ({event}): mark it `pytest.mark.processes`"
        elif leaves_machine(*arguments):
            trouble = f"this test connects to {arguments[1]}: only this machine may be asked without a marker"
        else:
            return
        self.seen.append(trouble)
        raise AssertionError(trouble)


def leaves_machine(connecting: socket.socket, address: Any) -> bool:
    """Whether a connection goes beyond this machine; connecting a datagram socket sends nothing."""
    if connecting.family not in (socket.AF_INET, socket.AF_INET6) or connecting.type != socket.SOCK_STREAM:
        return False
    try:
        host = ipaddress.ip_address(address[0].partition("%")[0])
    except ValueError:
        return bool(address[0] not in ("", "localhost"))
    if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped:
        host = host.ipv4_mapped
    return not (host.is_loopback or host.is_unspecified or str(host) == own_interface_address())


guard = Guard()
"""The one of this process."""

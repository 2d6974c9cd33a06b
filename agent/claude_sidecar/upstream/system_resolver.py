"""The system's own resolver, each question in a thread of its own.

It finds what every other program on the machine finds: nsswitch, a VPN's split DNS and a container's odd
resolv.conf included. Other resolvers miss some of these (c-ares took names of an IPv6 cluster for unknown,
c-ares/c-ares#426; another tried a pod's search list and never the name itself, openai/codex#30733), and weigh
more: aiodns 4.0 with c-ares 1.8 MB and 20 to 50 ms at start, dnspython 2.9 5.5 MB and 40 to 50 ms, a thread
0.2 MB while it runs (resident, Python 3.11 on x86-64).

The event loop's own `getaddrinfo` is no choice: its few threads are shared by all names (four under uvloop),
and one silent name server holds each of them for up to 30 seconds.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from claude_sidecar.upstream.address import addresses_of
from claude_sidecar.upstream.hosts_file import addresses_in
from claude_sidecar.upstream.resolver import Told, Verdict

_HOSTS = Path("/etc/hosts")

# The first two are not on every system.
_VERDICTS = {
    getattr(socket, "EAI_NODATA", None): Verdict.NO_ADDRESS,
    getattr(socket, "EAI_ADDRFAMILY", None): Verdict.NO_ADDRESS,
    socket.EAI_NONAME: Verdict.NO_NAME,
}


class SystemResolver:
    """Asks by getaddrinfo(3), which can be neither interrupted nor told how long to wait."""

    async def in_hosts_file(self, name: str) -> Told:
        """What /etc/hosts says; nothing where it can't be read."""
        return await _in_thread(partial(_read_hosts, name))

    async def absolute(self, name: str, family: int) -> Told:
        """Ask for the name with a dot at its end: the search list is for names without."""
        return await _in_thread(partial(_ask, f"{name}.", family))

    async def as_configured(self, name: str) -> Told:
        """Ask for the name as written."""
        return await _in_thread(partial(_ask, name, socket.AF_UNSPEC))


async def _in_thread(work: Callable[[], Told]) -> Told:
    loop = asyncio.get_running_loop()
    told: asyncio.Future[Told] = loop.create_future()

    def run() -> None:
        answer = work()
        # Nobody waits any more once the loop is closed.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell, told, answer)

    # A daemon: the process must not wait for a name server when it ends.
    thread = threading.Thread(target=run, name="look-up", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return Told(Verdict.NO_ANSWER, reason="no thread could be started to ask for it")
    return await told


def _tell(told: asyncio.Future[Told], answer: Told) -> None:
    if not told.done():
        told.set_result(answer)


def _ask(name: str, family: int) -> Told:
    try:
        # As bytes: endpoints are ASCII, and Python's IDNA tables weigh a megabyte.
        found = socket.getaddrinfo(_encoded(name), None, family=family, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return Told(_VERDICTS.get(error.errno, Verdict.NO_ANSWER), reason=error.strerror or str(error))
    except (OSError, UnicodeError) as error:
        return Told(Verdict.NO_ANSWER, reason=str(error))
    return Told(Verdict.FOUND, addresses_of(found))


def _encoded(name: str) -> bytes:
    return name.encode("ascii") if name.isascii() else name.encode("idna")


def _read_hosts(name: str) -> Told:
    try:
        with _HOSTS.open(encoding="utf-8", errors="replace") as lines:
            found = addresses_in(lines, name)
    except OSError:
        found = ()
    return Told(Verdict.FOUND if found else Verdict.NO_NAME, found)

"""Which hosts are this machine itself."""

import contextlib
import ipaddress
import socket

from claude_sidecar.wire.authority import Authority

DATA_PORT = 8787
ADMIN_PORT = 8788
"""Where `claude-sidecar run` listens unless it is told otherwise."""

_IPV6_LOOPBACK_NAMES = frozenset({"ip6-localhost", "ip6-loopback"})
"""As the hosts files of Debian and of Kubernetes call ::1."""


def is_own_address(host: str) -> bool:
    """Whether an IP address, given as text, is one of this machine's: loopback or of an interface.

    The kernel is asked which source address it would use to reach it: for an address of its own that is the
    address itself. Nothing is sent. Binding to it would answer too, but not where `ip_nonlocal_bind` is set.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback:
        return True
    if address.is_unspecified or address.is_multicast or getattr(address, "scope_id", None):
        return False
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.connect((str(address), 9))
        source: str = asking.getsockname()[0]
        return ipaddress.ip_address(source.partition("%")[0]) == address
    return False


def leads_here(host: str) -> bool:
    """Whether a connection to this host ends at this machine, without asking any DNS server.

    Beside what `is_own_address` knows: loopback names, the machine's own name, the unspecified address,
    and IPv4 as C libraries take it (`127.1`, `0x7f000001`). A name that only DNS leads back here is left to
    the instance header that each call carries.
    """
    name = host.lower().removesuffix(".")
    if Authority(name, None).is_loopback or name in _IPV6_LOOPBACK_NAMES:
        return True
    if name == socket.gethostname().lower():
        return True
    with contextlib.suppress(OSError):
        name = socket.inet_ntoa(socket.inet_aton(name))
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(name).is_unspecified:
            return True
    return is_own_address(name)

"""NO_PROXY: which hosts are reached without the egress proxy.

There is no standard. Read here is what curl (from 7.86 on), Go's httpproxy and Python's requests agree on,
ranges of addresses among it (https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config).
"""

import ipaddress
import re
from dataclasses import dataclass

from claude_sidecar.config.environment_fault import EnvironmentFault
from claude_sidecar.config.shown import shown

_ALLOWED = "names (example.com, .example.com), addresses, ranges (10.0.0.0/8), each with :PORT, or * for all"
_ENTRY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class _Entry:
    """One host, name or range; port: None for any."""

    target: str | _Network
    port: int | None

    def covers(self, host: str, address: _Address | None, port: int) -> bool:
        if self.port not in (None, port):
            return False
        if not isinstance(self.target, str):
            return address is not None and address in self.target
        return address is None and (host == self.target or host.endswith(f".{self.target}"))


@dataclass(frozen=True, slots=True)
class NoProxy:
    """The hosts that go direct; without entries none does."""

    entries: tuple[_Entry, ...] = ()
    everything: bool = False

    def covers(self, host: str, port: int) -> bool:
        """Whether a host goes direct; host: a name, or an address without brackets.

        Names are not resolved: a range covers what is named by its address alone.
        """
        if self.everything:
            return True
        name = host.lower().rstrip(".")
        address = _address(name)
        return any(entry.covers(name, address, port) for entry in self.entries)


def read_no_proxy(variable: str, text: str) -> tuple[NoProxy, tuple[EnvironmentFault, ...]]:
    """The list in a variable, and what in it is no entry and so passed over."""
    entries: list[_Entry] = []
    faults = []
    everything = False
    for word in re.split(r"[,\s]+", text.strip().lower()):
        if word in ("", "*"):
            everything = everything or word == "*"
            continue
        if (entry := _read(word)) is not None:
            entries.append(entry)
        else:
            fix = "It is passed over, so such hosts go through the proxy: correct or remove it."
            faults.append(EnvironmentFault(variable, shown(word), "has an entry that is none", _ALLOWED, fix))
    return NoProxy(tuple(entries), everything), tuple(faults)


def _read(word: str) -> _Entry | None:
    if (network := _network(word)) is not None:
        return _Entry(network, None)
    found = _ENTRY.fullmatch(word)
    if found is None:
        return None
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 0 < port < 1 << 16:
        return None
    host = found["host"]
    if (network := _network(host.removeprefix("[").removesuffix("]"))) is not None:
        return _Entry(network, port)
    name = host.removeprefix("*").strip(".")
    return _Entry(name, port) if _NAME.fullmatch(name) else None


def _network(text: str) -> _Network | None:
    """A range, or the range of a single address; bits behind the prefix are let pass, as Go does."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(host: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

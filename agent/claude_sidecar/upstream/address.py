"""One address of an upstream, without the port."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]
"""What `socket.getaddrinfo` calls an address, with the port that is to be connected to."""


@dataclass(frozen=True, slots=True)
class Address:
    """family: socket.AF_INET or AF_INET6; scope: the interface of a link-local IPv6 address, else 0."""

    family: int
    ip: str
    scope: int = 0

    def info(self, port: int) -> AddressInfo:
        """The address as `aiohappyeyeballs` wants it."""
        there = (self.ip, port, 0, self.scope) if self.family == socket.AF_INET6 else (self.ip, port)
        return self.family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", there


def numeric_address(text: str) -> Address | None:
    """The address that `text` writes in figures, None if it is a name. Asks no name server."""
    try:
        found = socket.getaddrinfo(text, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return addresses_of(found)[0]


def addresses_of(found: Iterable[tuple[int, int, int, str, tuple[Any, ...]]]) -> tuple[Address, ...]:
    """What `socket.getaddrinfo` found, in its order, each once."""
    addresses = {
        Address(family, str(there[0]), int(there[3]) if family == socket.AF_INET6 else 0): None
        for family, _, _, _, there in found
        if family in (socket.AF_INET, socket.AF_INET6)
    }
    return tuple(addresses)

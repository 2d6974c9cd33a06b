"""What looks names up: three ways to ask, one form of answer; the seam to the name server."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from claude_sidecar.upstream.address import Address


class Verdict(StrEnum):
    """What came of asking for a name."""

    FOUND = "found"
    NO_ADDRESS = "no address"
    """The name exists, but not with what was asked for."""
    NO_NAME = "no name"
    NO_ANSWER = "no answer"
    """The name server failed or was silent for as long as the resolver waits."""


@dataclass(frozen=True, slots=True)
class Told:
    """An answer; reason: in the resolver's words, where there are no addresses."""

    verdict: Verdict
    addresses: tuple[Address, ...] = ()
    reason: str = ""


class Resolver(Protocol):
    """Each answers whatever happens; cancelling stops the waiting, not always the asking."""

    async def in_hosts_file(self, name: str) -> Told:
        """What the hosts file says of the name as written."""

    async def absolute(self, name: str, family: int) -> Told:
        """Addresses of one family (socket.AF_INET or AF_INET6) of exactly this name, no search list."""

    async def as_configured(self, name: str) -> Told:
        """Addresses of both families, by the search list as the system is configured."""

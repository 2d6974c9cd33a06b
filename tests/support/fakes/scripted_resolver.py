"""Name servers that say what they are told to, on the test's own clock."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from claude_sidecar import clock
from claude_sidecar.upstream.address import Address, numeric_address
from claude_sidecar.upstream.resolver import Told, Verdict

NO_NAME = Told(Verdict.NO_NAME, reason="Name or service not known")
NO_ADDRESS = Told(Verdict.NO_ADDRESS, reason="No address associated with hostname")
FAILS = Told(Verdict.NO_ANSWER, reason="Temporary failure in name resolution")


class Silent:
    """Says nothing at all."""


@dataclass(frozen=True)
class Late:
    """Says it so many seconds later."""

    seconds: float
    says: "Says"


Says = Sequence[str] | Told | Silent | Late


def addresses(*texts: str) -> tuple[Address, ...]:
    """Addresses from figures."""
    found = [numeric_address(text) for text in texts]
    assert None not in found
    return tuple(one for one in found if one is not None)


@dataclass
class ScriptedResolver:
    """Answers by name, or by record and name (`AAAA api.example`); what it has no answer for does not exist.

    hosts: the hosts file; records: what name servers say; search: what the search list leads to.
    asked: every question, as `A api.example`, `AAAA api.example` or `search api`; waiting: the open ones.
    """

    records: dict[str, Says] = field(default_factory=dict)
    search: dict[str, Says] = field(default_factory=dict)
    hosts: dict[str, Sequence[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    waiting: int = 0

    async def in_hosts_file(self, name: str) -> Told:
        found = addresses(*self.hosts.get(name, ()))
        return Told(Verdict.FOUND, found) if found else NO_NAME

    async def absolute(self, name: str, family: int) -> Told:
        record = "A" if family == socket.AF_INET else "AAAA"
        says = self.records.get(f"{record} {name}", self.records.get(name, NO_NAME))
        told = await self._answer(f"{record} {name}", says)
        if not told.addresses:
            return told
        mine = tuple(address for address in told.addresses if address.family == family)
        return Told(Verdict.FOUND, mine) if mine else NO_ADDRESS

    async def as_configured(self, name: str) -> Told:
        return await self._answer(f"search {name}", self.search.get(name, NO_NAME))

    async def _answer(self, question: str, says: Says) -> Told:
        self.asked.append(question)
        self.waiting += 1
        try:
            while isinstance(says, Late):
                await clock.sleep(says.seconds)
                says = says.says
            if isinstance(says, Silent):
                await asyncio.get_running_loop().create_future()
        finally:
            self.waiting -= 1
        assert not isinstance(says, Silent)
        return says if isinstance(says, Told) else Told(Verdict.FOUND, addresses(*says))

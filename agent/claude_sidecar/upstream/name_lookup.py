"""One look-up of one name, shared by all who wait for it."""

import asyncio
import socket
from collections.abc import Callable

from claude_sidecar import clock
from claude_sidecar.upstream.address import Address
from claude_sidecar.upstream.resolver import Resolver, Told, Verdict

_ABSOLUTE_DOTS = 2
"""From here on a name is asked for as it stands first. Pods are told to try their search list on names with
fewer than five dots, so api.anthropic.com would cost eight questions instead of two, six of them in vain."""

_CLUSTERS_OWN = ".svc"
"""Ends the names of Services that leave the rest to a pod's search list: Kubernetes' DNS specification."""

_OTHER_FAMILY_S = 0.05
"""How long the other family's answer is waited for: the Resolution Delay of RFC 8305 section 3."""


class NameLookup:
    """A running look-up, in a task of its own that no leaving waiter cancels and that never fails.

    enough: done as soon as there are addresses to try, or the look-up is over. told: None until it is over.
    """

    def __init__(self, resolver: Resolver, name: str, found: Callable[[tuple[Address, ...]], None]) -> None:
        """found: called with the addresses each time that more are known."""
        loop = asyncio.get_running_loop()
        self.began_s = clock.now()
        self.enough: asyncio.Future[None] = loop.create_future()
        self.told: Told | None = None
        self._resolver = resolver
        self._name = name
        self._found = found
        self.over = loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            told = await self._ask()
            if told.addresses:
                self._found(told.addresses)
            self.told = told
        finally:
            self._let_try()

    async def _ask(self) -> Told:
        """The hosts file as written; then the name itself, if it has dots enough; then the search list."""
        told = await self._resolver.in_hosts_file(self._name)
        if told.addresses:
            return told
        if self._name.count(".") >= _ABSOLUTE_DOTS:
            told = await self._ask_both_families()
            # Not after a failure: a search list that answers for every name would catch api.anthropic.com.
            # But cluster DNS that knows no other names refuses them, and nobody else has names in `.svc`.
            fails = told.verdict is Verdict.NO_ANSWER and self._name.endswith(_CLUSTERS_OWN)
            if told.verdict is not Verdict.NO_NAME and not fails:
                return told
        return await self._resolver.as_configured(self._name)

    async def _ask_both_families(self) -> Told:
        """Two questions, so that a name server that swallows one of them costs 50 ms.

        The C library, asked for both at once, would wait 15 seconds for the missing answer.
        """
        asked = [
            asyncio.ensure_future(self._resolver.absolute(self._name, family))
            for family in (socket.AF_INET6, socket.AF_INET)
        ]
        try:
            done, missing = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            if missing and any(one.result().addresses for one in done):
                await asyncio.wait(missing, timeout=_OTHER_FAMILY_S)
                self._found(_joined([one.result() for one in asked if one.done()]).addresses)
                self._let_try()
            return _joined([await one for one in asked])
        finally:
            for one in asked:
                one.cancel()

    def _let_try(self) -> None:
        if not self.enough.done():
            self.enough.set_result(None)


def _joined(told: list[Told]) -> Told:
    """What the families' answers say of the name; it does not exist only if all say so."""
    addresses = tuple(address for one in told for address in one.addresses)
    if addresses:
        return Told(Verdict.FOUND, addresses)
    by_verdict = {one.verdict: one for one in told}
    for verdict in (Verdict.NO_ANSWER, Verdict.NO_ADDRESS, Verdict.NO_NAME):
        if verdict in by_verdict:
            return by_verdict[verdict]
    raise AssertionError("no family was asked for")

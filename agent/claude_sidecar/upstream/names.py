"""The addresses of names: looked up once for all who ask, kept for a while, each name apart."""

import asyncio
from dataclasses import dataclass, field

from claude_sidecar import clock
from claude_sidecar.upstream.address import Address, numeric_address
from claude_sidecar.upstream.address_order import in_order
from claude_sidecar.upstream.name_lookup import NameLookup
from claude_sidecar.upstream.resolver import Resolver, Told, Verdict

_FRESH_S = 30.0
"""The system's resolver does not tell how long an answer holds. As long as CoreDNS keeps answers in a cluster
and the JVM everywhere; an address that went away is found out by a failed connect, and asked for anew."""

_PATIENCE_S = 0.5
"""How long a new look-up is waited for where the name's last addresses are still known (a resolver may wait
1.8 s, says RFC 8767 section 5; here a call waits, and a late answer serves the next one)."""

_SILENCE_S = 3600.0
"""How long the last addresses serve a name whose name server is silent or fails. TLS checks who is there."""

_GONE_S = 60.0
"""How long they serve a name of which the name server says that it does not exist: longer is no slip."""

_REMEMBERED_S = 3600.0


class NameUnknown(Exception):
    """A name has no addresses; told: the resolver's answer."""

    def __init__(self, told: Told) -> None:
        super().__init__(told.reason)
        self.told = told


_UNTOLD = Told(Verdict.NO_ANSWER, reason="the look-up was given up")


@dataclass(frozen=True, slots=True)
class Known:
    """addresses: to be tried in this order; more: the look-up that may still bring others, or None."""

    addresses: tuple[Address, ...]
    more: "asyncio.Future[None] | None" = None


@dataclass(slots=True)
class _Name:
    addresses: tuple[Address, ...] = ()
    fresh_until_s: float = 0.0
    kept_until_s: float = 0.0
    used_s: float = 0.0
    lookup: NameLookup | None = None
    worked: Address | None = None
    failed: set[Address] = field(default_factory=set)


class Names:
    """Looks names up; one look-up of a name runs at a time, so that its threads are two at most.

    One that still waits for a family that a name server swallows (10 s with the C library) is not begun anew
    by a failed connect: until it is over, the order of the addresses is all that changes.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._names: dict[str, _Name] = {}

    def __len__(self) -> int:
        """How many names are remembered."""
        return len(self._names)

    async def find(self, host: str) -> Known:
        """Addresses of a name, or the one address that `host` writes. Raises NameUnknown."""
        numeric = numeric_address(host)
        if numeric is not None:
            return Known((numeric,))
        name = self._name(host)
        now = clock.now()
        if not name.addresses or now >= name.fresh_until_s:
            lookup = name.lookup or self._look_up(host, name)
            kept = name.addresses and now < name.kept_until_s
            patience_s = max(0.0, lookup.began_s + _PATIENCE_S - now) if kept else None
            await asyncio.wait((lookup.enough,), timeout=patience_s)
            if not name.addresses or clock.now() >= name.kept_until_s:
                raise NameUnknown(lookup.told or _UNTOLD)
        return self.known(host)

    def known(self, host: str) -> Known:
        """What is known of a name just now."""
        name = self._name(host)
        more = name.lookup.over if name.lookup is not None else None
        return Known(in_order(name.addresses, name.worked, name.failed), more)

    def worked(self, host: str, address: Address) -> None:
        """A connection stands: the next dial begins with this address."""
        name = self._name(host)
        name.worked = address
        name.failed.discard(address)

    def failed(self, host: str, addresses: tuple[Address, ...]) -> None:
        """No connection came about: these go last from now on, and the name is looked up again."""
        name = self._name(host)
        name.fresh_until_s = 0.0
        name.failed.update(addresses)
        if name.worked in addresses:
            name.worked = None

    def close(self) -> None:
        """Wait for no answer any more."""
        for name in self._names.values():
            if name.lookup is not None:
                name.lookup.over.cancel()

    def _name(self, host: str) -> _Name:
        now = clock.now()
        name = self._names.get(host)
        if name is None:
            self._forget(now)
            name = self._names[host] = _Name()
        name.used_s = now
        return name

    def _forget(self, now: float) -> None:
        for host, name in list(self._names.items()):
            if name.lookup is None and now - name.used_s > _REMEMBERED_S:
                del self._names[host]

    def _look_up(self, host: str, name: _Name) -> NameLookup:
        def found(addresses: tuple[Address, ...]) -> None:
            now = clock.now()
            name.addresses = addresses
            name.failed.intersection_update(addresses)
            name.fresh_until_s, name.kept_until_s = now + _FRESH_S, now + _SILENCE_S

        def over(_: object) -> None:
            name.lookup = None
            if lookup.told is not None and lookup.told.verdict is Verdict.NO_NAME:
                name.kept_until_s = min(name.kept_until_s, clock.now() + _GONE_S)

        lookup = name.lookup = NameLookup(self._resolver, host, found)
        lookup.over.add_done_callback(over)
        return lookup

"""In which order the addresses of a name are tried."""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain, zip_longest

from claude_sidecar.upstream.address import Address

ADDRESSES_MOST = 8
"""Of one dial: a call must not open a socket to each of fifty addresses. The next dial begins with others."""


def in_order(
    addresses: Sequence[Address], worked: Address | None, failed: Collection[Address]
) -> tuple[Address, ...]:
    """At most ADDRESSES_MOST of `addresses`, best first.

    worked: connected to last, so first now; failed: tried without success, so last now. Among equals
    the families take turns (RFC 8305 section 4), each in the order in which the resolver put it (RFC 6724).
    """
    first = [address for address in addresses if address == worked]
    others = [address for address in addresses if address != worked]
    untried = _interleaved(address for address in others if address not in failed)
    tried = _interleaved(address for address in others if address in failed)
    return tuple(chain(first, untried, tried))[:ADDRESSES_MOST]


def _interleaved(addresses: Iterable[Address]) -> list[Address]:
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address.family, []).append(address)
    turns = zip_longest(*families.values())
    return [address for turn in turns for address in turn if address is not None]

"""Names in a hosts file.

Read here because the C library looks into it for a name as written, but not for the same name with the dot at
its end by which a name server is asked for exactly this name; and because without an nsswitch.conf, as in
many small images, it asks the name server first.
"""

from collections.abc import Iterable

from claude_sidecar.upstream.address import Address, numeric_address


def addresses_in(lines: Iterable[str], name: str) -> tuple[Address, ...]:
    """All addresses that a hosts file gives a name, in its order, each once (hosts(5))."""
    wanted = name.lower()
    found: dict[Address, None] = {}
    for line in lines:
        # Most lines are of other names: these cost one search.
        if wanted not in line.lower():
            continue
        address, *names = line.split("#", 1)[0].split() or [""]
        if wanted in (given.lower() for given in names):
            numeric = numeric_address(address)
            if numeric is not None:
                found[numeric] = None
    return tuple(found)

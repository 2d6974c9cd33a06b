"""Whose connection it is: what tells one credential from another, without being one."""

from collections.abc import Iterable
from hashlib import sha256

from claude_sidecar.wire.credential import Credential


def account_of(callers: Iterable[Credential], own: bytes | None) -> bytes:
    """A digest of what is sent: a route's own credential, else all that the caller sent, in its order.

    A digest, because idle connections outlive their calls and no key should.
    """
    if own is not None:
        return sha256(own).digest()
    sent = [b"%b %d %b" % (found.header.encode("ascii"), len(found.value), found.value) for found in callers]
    return sha256(b"".join(sent)).digest()

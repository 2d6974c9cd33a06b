"""Whose connection it is: what tells one credential from another, without being one."""

from collections.abc import Iterable
from hashlib import sha256

from claude_sidecar.wire.credential import Credential


def account_of(callers: Iterable[Credential], own: bytes | None) -> bytes:
    """A digest of what is sent: a route's own credential, else all that the caller sent, in its order.

    A digest, because idle connections outlive their calls and no key should.
    """
    sent = sha256()
    if own is not None:
        sent.update(own)
    else:
        for credential in callers:
            name, value = credential.header.encode("ascii"), credential.value
            sent.update(b"%b %d %b" % (name, len(value), value))
    return sent.digest()

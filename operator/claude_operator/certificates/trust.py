"""Whether somebody who trusts certain authorities would accept a leaf."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature


def is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether it is neither too early nor too late for it."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def is_signed_by(leaf: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether this authority issued it."""
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def is_trusted(leaf: x509.Certificate, authorities: Iterable[x509.Certificate], now: datetime) -> bool:
    """Whether the leaf is valid now and one of these authorities, valid too, issued it."""
    return is_valid(leaf, now) and any(
        is_valid(authority, now) and is_signed_by(leaf, authority) for authority in authorities
    )


def is_chain_trusted(
    chain: Sequence[x509.Certificate], authorities: Iterable[x509.Certificate], now: datetime
) -> bool:
    """The same for a leaf that comes with its intermediates, each signed by the next."""
    trusted = tuple(authorities)
    for at, certificate in enumerate(chain):
        if at and not is_signed_by(chain[at - 1], certificate):
            return False
        if not is_valid(certificate, now):
            return False
        if is_trusted(certificate, trusted, now):
            return True
    return False


def is_for(leaf: x509.Certificate, host: str) -> bool:
    """Whether a client that asked for this host takes the leaf: RFC 9525, `*` stands for the first label.

    A leaf whose extensions cannot be read gets the benefit of the doubt: some companies' authorities write
    `CA:FALSE` in full, which API servers take.
    """
    names = _hosts_of(leaf)
    return names is None or host.lower() in names or f"*.{host.lower().partition('.')[2]}" in names


def _hosts_of(leaf: x509.Certificate) -> set[str] | None:
    """The names and addresses that a leaf is good for; None where its extensions cannot be read."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    return addresses | {name.lower() for name in names.get_values_for_type(x509.DNSName)}

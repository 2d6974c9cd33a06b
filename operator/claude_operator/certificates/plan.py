"""What to do next about the certificates; the same question is asked again after each step.

A rotation goes: a new authority is trusted besides the old one; once API servers had time to hear of that,
the leaf is issued anew; once every replica serves it, the old authority goes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from cryptography import x509

from claude_operator.certificates.secret import Held
from claude_operator.certificates.trust import is_for, is_signed_by, is_trusted, is_valid

# A rotation that never ends must not grow the bundle for ever.
_MOST_AUTHORITIES = 4


class Step(Enum):
    """One change of the Secret."""

    NOTHING = "nothing"
    ADD_AUTHORITY = "add an authority"
    ISSUE_LEAF = "issue the leaf"
    DROP_OLD_AUTHORITIES = "drop old authorities"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long certificates are good for; each is renewed when a third of its time is left.

    settling: how long API servers are given to hear of a new authority before a leaf of it is served.
    """

    authority: timedelta = timedelta(days=365)
    leaf: timedelta = timedelta(days=90)
    settling: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Seen:
    """The world as it is. bundle: what every webhook of the live configuration trusts.

    trusted_for: how long that bundle has held the newest authority; None while it does not. replicas: the
    leaf that each one serves, None in it for one that could not be asked; None where nobody knows them.
    """

    held: Held
    bundle: tuple[x509.Certificate, ...]
    trusted_for: timedelta | None
    replicas: tuple[x509.Certificate | None, ...] | None


def next_step(seen: Seen, hosts: tuple[str, ...], lifetimes: Lifetimes, now: datetime) -> Step:
    """What is to be changed in the Secret now. hosts: names and addresses that the leaf must be good for."""
    held = seen.held
    if held.key is None or not _is_fresh(held.authorities[0], lifetimes.authority, now):
        return Step.ADD_AUTHORITY
    if not _is_good(held, hosts, lifetimes.leaf, now):
        settled = seen.trusted_for is not None and seen.trusted_for >= lifetimes.settling
        return Step.ISSUE_LEAF if settled or not _works(seen, now) else Step.NOTHING
    if len(held.authorities) > 1 and (_all_serve(seen) or not _needs_old(held, now)):
        return Step.DROP_OLD_AUTHORITIES
    return Step.NOTHING


def kept_authorities(seen: Seen, now: datetime) -> tuple[x509.Certificate, ...]:
    """The authorities that stay trusted besides a new one: the Secret's, and those that are trusted now.

    The latter, since a Secret that was deleted must not cut off replicas that still serve its leaf.
    """
    found = dict.fromkeys((*seen.held.authorities, *seen.bundle))
    return tuple(each for each in found if is_valid(each, now))[: _MOST_AUTHORITIES - 1]


def _is_fresh(certificate: x509.Certificate, lifetime: timedelta, now: datetime) -> bool:
    left = certificate.not_valid_after_utc - now
    return is_valid(certificate, now) and left > lifetime / 3


def _is_good(held: Held, hosts: tuple[str, ...], lifetime: timedelta, now: datetime) -> bool:
    if held.leaf is None:
        return False
    leaf = held.leaf.certificate
    return (
        _is_fresh(leaf, lifetime, now)
        and is_signed_by(leaf, held.authorities[0])
        and all(is_for(leaf, host) for host in hosts)
    )


def _works(seen: Seen, now: datetime) -> bool:
    """Whether reviews are answered at present, so that a new leaf can wait until it is trusted."""
    served = [leaf for leaf in seen.replicas or () if leaf is not None]
    if seen.held.leaf is not None:
        served.append(seen.held.leaf.certificate)
    return any(is_trusted(leaf, seen.bundle, now) for leaf in served)


def _all_serve(seen: Seen) -> bool:
    leaf = seen.held.leaf
    if leaf is None or seen.replicas is None:
        return False
    return all(served == leaf.certificate for served in seen.replicas)


def _needs_old(held: Held, now: datetime) -> bool:
    return any(is_valid(authority, now) for authority in held.authorities[1:])

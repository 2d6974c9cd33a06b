"""Steps carried out: the Secret's content after each."""

from dataclasses import replace
from datetime import datetime

from claude_operator.certificates.issue import Pair, new_authority, new_leaf
from claude_operator.certificates.plan import Lifetimes, Seen, Step, kept_authorities
from claude_operator.certificates.secret import Held


def carried_out(step: Step, seen: Seen, hosts: tuple[str, ...], lifetimes: Lifetimes, now: datetime) -> Held:
    """What the Secret is to hold after a step."""
    held = seen.held
    if step is Step.ADD_AUTHORITY:
        made = new_authority(now, lifetimes.authority)
        return replace(held, authorities=(made.certificate, *kept_authorities(seen, now)), key=made.key)
    if step is Step.ISSUE_LEAF and held.key is not None:
        authority = Pair(held.authorities[0], held.key)
        return replace(held, leaf=new_leaf(authority, hosts, now, lifetimes.leaf))
    if step is Step.DROP_OLD_AUTHORITIES:
        return replace(held, authorities=held.authorities[:1])
    return held

"""One kind of trouble that calls meet with, and from how many of them on it is one."""

from typing import NamedTuple

from claude_sidecar.telemetry.trouble import Severity


class AtLeast(NamedTuple):
    """So many calls, and such a share of those of the same name."""

    calls: int
    percent: float


class Row(NamedTuple):
    """One kind of trouble.

    met: as the counts call it. id: begins those of its lines. dimensions: by which it is told, the one that
    people know best first. what: follows "3 % of calls of model M". fails, meets: from when on it is told;
    None: never. severity: where `fails` is reached, or `meets` without a `fails`; else it is to be watched.
    """

    met: str
    id: str
    dimensions: tuple[str, ...]
    what: str
    fix: str
    link: str
    fails: AtLeast | None = None
    meets: AtLeast | None = None
    severity: Severity = Severity.FIX


ONE_IN_FIVE = AtLeast(1, 20.0)
"""A key or model name is right or wrong, so one failure may tell; among many that went well it tells of a
moment, such as a key's rotation or somebody's attempt by hand."""
SOME = AtLeast(3, 1.0)
"""Failures that repeats did not cure: a hundredth is felt, and three are no accident."""
OFTEN = AtLeast(10, 20.0)
"""Cured, but each costs its caller the time of a repeat."""
EACH_LIMIT = AtLeast(5, 2.0)
"""Cured or not: each hit costs a wait, and only the app can send otherwise."""
APPS = AtLeast(3, 2.0)
"""What the app sends is wrong; a hundredth may be its users' input."""

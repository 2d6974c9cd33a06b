"""A line of what needs a person: what is wrong, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether somebody has to do something, or to keep an eye on it."""

    FIX = "fix"
    WATCH = "watch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One line.

    id: the same as long as it is the same trouble. what: in plain words, with figures. fix: what to do.
    link: a page of docs/ with its anchor. window: over which its figures are (`5m`, `1h`), `now` for a state.
    share: of the calls that it concerns, 0 to 1; the larger, the more urgent among equals. rank: the lower,
    the more urgent among those of a severity.
    """

    id: str
    severity: Severity
    what: str
    fix: str
    link: str
    window: str
    share: float = 1.0
    rank: int = 0

    @property
    def urgency(self) -> tuple[bool, int, float, str]:
        """What lines are sorted by."""
        return self.severity is not Severity.FIX, self.rank, -self.share, self.id


MOST_TROUBLES = 20
"""More lines than anybody reads."""


def most_urgent(troubles: list[Trouble]) -> list[Trouble]:
    """The troubles to tell, most urgent first."""
    return sorted(troubles, key=lambda trouble: trouble.urgency)[:MOST_TROUBLES]

"""How a call ended for the app."""

from dataclasses import dataclass
from enum import StrEnum


class End(StrEnum):
    """ANSWERED: the whole and right answer. STATUS: an error answer. UNREACHED: no answer, or not all of it.
    BROKEN: an exception while a stream was read, which no SDK repeats. TRUNCATED: a stream without its end
    that the SDK takes for whole. WRONG: an answer that is not the upstream's."""

    ANSWERED = "answered"
    STATUS = "status"
    UNREACHED = "unreached"
    BROKEN = "broken"
    TRUNCATED = "truncated"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Try:
    """One send of the SDK's. starts_s: when; head_s, ends_s: seconds from there, None where that never came.

    wished_s: how long its answer asked to be left alone.
    """

    starts_s: float
    head_s: float | None
    ends_s: float
    timed_out: bool = False
    wished_s: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """status: of the last answer; tries: in order; told: what the app was told, for people to read."""

    end: End
    status: int | None
    tries: tuple[Try, ...]
    told: str = ""

    @property
    def answered(self) -> bool:
        """Whether the app has what it asked for."""
        return self.end is End.ANSWERED

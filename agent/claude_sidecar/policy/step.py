"""What the decision tells the engine to do next."""

from dataclasses import dataclass
from enum import StrEnum

from claude_sidecar.causes import Cause
from claude_sidecar.policy.outcome import Outcome


class Ending(StrEnum):
    """Why no more is sent."""

    SUCCESS = "success"
    PASSES_ONCE = "such a call is sent once"
    MAY_BE_RUNNING = "it may still be running"
    UPSTREAM_FORBIDS = "the upstream forbids a repeat"
    CAUSE_NOT_LISTED = "retry.causes does not name the cause"
    ATTEMPTS_SPENT = "attempts spent"
    TURN_TOO_LATE = "its turn in the retry budget comes too late"
    RETRY_AFTER_TOO_LONG = "retry-after too long"
    DEADLINE = "deadline"
    NO_ROUTE = "no route serves the model"
    CREDENTIAL_MISSING = "credential missing"
    ROUTES_SPENT = "no route left"
    FUTILE = "calls are cut there at about the same age"
    OUT_OF_FILES = "no file descriptor is left"


@dataclass(frozen=True, slots=True)
class Wait:
    """Pause, then come back.

    seconds: as foreseen now. reason: `retry-after`, `backoff` or `budget`. candidate: who is sent to then,
    None opens a new round. turn_from_s: set where the repeat needs a turn of the retry budget: the moment
    before which it does not want it, on the loop's clock.
    """

    seconds: float
    reason: str
    candidate: int | None
    turn_from_s: float | None = None

    @property
    def spends_budget(self) -> bool:
        """Whether the repeat counts to the retry budget."""
        return self.turn_from_s is not None


@dataclass(frozen=True, slots=True)
class Send:
    """Send to a candidate now.

    fresh: not on a pooled connection. spends_budget: it takes a turn of the retry budget. opens_round: a
    new round begins. elsewhere: if no answer begins, the call has a route to go to that it has not tried;
    without one it is better served by waiting, so `timeouts.firstByte` ends no such attempt.
    """

    candidate: int
    fresh: bool = False
    spends_budget: bool = False
    opens_round: bool = False
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand this answer to the caller."""

    outcome: Outcome
    ending: Ending


@dataclass(frozen=True, slots=True)
class GiveUp:
    """There is no answer to hand on: make an error of our own; cause is None where nothing was sent."""

    ending: Ending
    cause: Cause | None


Step = Wait | Send | Deliver | GiveUp

"""What the decision tells the engine to do next."""

from dataclasses import dataclass
from enum import StrEnum

from claude_sidecar.policy.cause import Cause
from claude_sidecar.policy.outcome import Outcome


class Ending(StrEnum):
    """Why no more is sent."""

    SUCCESS = "success"
    PASSES_ONCE = "such a call is sent once"
    MAY_BE_RUNNING = "it may still be running"
    UPSTREAM_FORBIDS = "the upstream forbids a repeat"
    CAUSE_NOT_LISTED = "retry.causes does not name the cause"
    ATTEMPTS_SPENT = "attempts spent"
    BUDGET_REFUSED = "retry budget refused"
    RETRY_AFTER_TOO_LONG = "retry-after too long"
    DEADLINE = "deadline"
    NO_ROUTE = "no route serves the model"
    CREDENTIAL_MISSING = "credential missing"
    ROUTES_SPENT = "no route left"


@dataclass(frozen=True, slots=True)
class Wait:
    """Pause, then come back; candidate: who is sent to then, None opens a new round."""

    seconds: float
    reason: str
    candidate: int | None
    spends_budget: bool


@dataclass(frozen=True, slots=True)
class Send:
    """Send to a candidate now; fresh: not on a pooled connection; opens_round: a new round begins."""

    candidate: int
    fresh: bool = False
    spends_budget: bool = False
    opens_round: bool = False


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

"""What the decision tells the engine to do next. Each step carries the rule that took it."""

from dataclasses import dataclass, field

import msgspec

from claude_sidecar.causes import Cause
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.reasons import StopReason, WaitReason
from claude_sidecar.policy.rule import NO_RULE, Rule


class Wait(msgspec.Struct, frozen=True):
    """Pause, then come back.

    seconds: as foreseen now. candidate: who is sent to then, None opens a new round. turn_from_s: set where
    the repeat needs a turn of the retry budget: the moment before which it does not want it, on the loop's
    clock.
    """

    seconds: float
    reason: WaitReason
    candidate: int | None
    turn_from_s: float | None = None
    why: Rule = NO_RULE

    @property
    def spends_budget(self) -> bool:
        """Whether the repeat counts to the retry budget."""
        return self.turn_from_s is not None


class Send(msgspec.Struct, frozen=True):
    """Send to a candidate now.

    fresh: not on a pooled connection. spends_budget: it takes a turn of the retry budget. opens_round: a
    new round begins. elsewhere: if no response begins, the call has a route to go to that it has not tried;
    without one it is better served by waiting, so `timeouts.firstByte` ends no such attempt. passed_over: the
    routes before it in order that may not have the call now, each with the reason, for people.
    """

    candidate: int
    fresh: bool = False
    spends_budget: bool = False
    opens_round: bool = False
    elsewhere: bool = False
    why: Rule = NO_RULE
    passed_over: tuple[str, ...] = ()


class Deliver(msgspec.Struct, frozen=True):
    """Hand this response to the caller."""

    outcome: Outcome
    reason: StopReason
    why: Rule = NO_RULE


@dataclass(frozen=True, slots=True)
class GiveUp:
    """There is no response to hand on: make an error of our own; cause is None where nothing was sent."""

    reason: StopReason
    cause: Cause | None
    why: Rule = field(default=NO_RULE, compare=False, repr=False)


Step = Wait | Send | Deliver | GiveUp

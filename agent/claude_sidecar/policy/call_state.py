"""What has happened in a call so far, and which of its outcomes counts: each event makes a new value.

Part of it: repeats that cannot succeed, since something on the way cuts a call at a certain age each time.
"""

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from claude_sidecar.causes import NEVER_FORCED, OWN_CREDENTIAL, Cause
from claude_sidecar.policy.actions import Send, Wait
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.request_facts import RequestFacts
from claude_sidecar.policy.routing import Candidate
from claude_sidecar.schema.snapshot import Snapshot

_YOUNGEST_S = 10.0
"""Sooner than this a cut is an accident, which a repeat may well outlast."""

_SPREAD = 0.25
"""Share of the smaller age by which two cuts of one time-out may differ."""


class Cuts(NamedTuple):
    """Connections that ended without a byte of a response.

    ages: route's index and age of each, in seconds from the request's last byte. futile_routes: those found
    to cut this call again and again; futile_s: at which age the last of them does, None while there is none.
    """

    ages: tuple[tuple[int, float], ...] = ()
    futile_routes: frozenset[int] = frozenset()
    futile_s: float | None = None

    def with_one(self, route: int, age_s: float) -> "Cuts":
        """One more cut."""
        earlier = tuple(age for cut, age in self.ages if cut == route)
        ages = (*self.ages, (route, age_s))
        if not are_one_timeout(earlier, age_s):
            return self._replace(ages=ages)
        return Cuts(ages, self.futile_routes | {route}, min(age_s, *earlier))


NO_CUTS = Cuts()


def are_one_timeout(ages_s: tuple[float, ...], age_s: float) -> bool:
    """Whether a cut came at about the age of an earlier one of the same call and route."""
    return any(
        min(age_s, other) > _YOUNGEST_S and abs(age_s - other) <= _SPREAD * min(age_s, other)
        for other in ages_s
    )


_NONE: frozenset[int] = frozenset()


def repeat_is_forced(failure: Outcome) -> bool:
    """Whether the upstream asks for a repeat that the cause alone would not get."""
    return failure.hints.should_retry is True and failure.cause not in NEVER_FORCED


class Deciding(msgspec.Struct, frozen=True):
    """The last outcome that decides what comes next, whose it is, and whose the first such one was."""

    outcome: Outcome
    candidate: int
    first_candidate: int


class Standing(msgspec.Struct, frozen=True):
    """How a call stands: `deciding` is None until an outcome has decided; response: what is delivered when
    nothing more is sent.

    A later route's refusal of our own credential says nothing of the request. So it never decides, and it is
    delivered for want of any other response alone. Two invariants hold that:
    `response_is_refusal` is true only while every response so far was such a refusal, and then `response` is
    the newest; once it is false, `response` is the newest that was none.
    """

    deciding: Deciding | None = None
    response: Outcome | None = None
    response_is_refusal: bool = False

    def is_later(self, candidate: int) -> bool:
        """Whether a candidate is not the first in order of preference, or not the first that was tried."""
        return candidate > 0 or (self.deciding is not None and self.deciding.first_candidate != candidate)

    def refused(self, outcome: Outcome) -> "Standing":
        """A later route has refused our own credential."""
        if self.response is not None and not self.response_is_refusal:
            return self
        return Standing(self.deciding, outcome, True)

    def ended(self, outcome: Outcome, candidate: int) -> "Standing":
        """An attempt has ended in any other way."""
        first = candidate if self.deciding is None else self.deciding.first_candidate
        deciding = Deciding(outcome, candidate, first)
        if outcome.has_response:
            return Standing(deciding, outcome, False)
        return Standing(deciding, self.response, self.response_is_refusal)


NOTHING_YET = Standing()


class CallState(msgspec.Struct, frozen=True):
    """The history of one call that the decision reads.

    attempts: upstream requests; waits: pauses taken, the backoff's step; waited_s: how long they were in all.
    opened: the caller has been sent the head of a held response. tried / round_tried / excluded: candidates
    by position. not_before: (candidate, time) for those told to wait. last_attempt: None until the first;
    retried: it went where the call had been sent before. standing: which outcome decides, which is delivered.
    cuts: connections that ended without a byte of a response; routes_that_lost: those whose last attempt lost
    one that had not been idle. resume: the wait just taken.
    """

    snapshot: Snapshot
    facts: RequestFacts
    candidates: tuple[Candidate, ...]
    attempts: int = 0
    waits: int = 0
    waited_s: float = 0.0
    opened: bool = False
    tried: frozenset[int] = _NONE
    round_tried: frozenset[int] = _NONE
    excluded: frozenset[int] = _NONE
    not_before: tuple[tuple[int, float], ...] = ()
    last_attempt: Send | None = None
    retried: bool = False
    standing: Standing = NOTHING_YET
    cuts: Cuts = NO_CUTS
    routes_that_lost: frozenset[int] = _NONE
    resume: Wait | None = None

    @property
    def deadline_s(self) -> float:
        """By when the call must be settled; a caller that receives bytes has no time-out of its own."""
        return self.facts.total_by_s if self.opened else self.facts.deadline_s

    @property
    def deciding(self) -> Outcome | None:
        """The last outcome that decides what comes next."""
        deciding = self.standing.deciding
        return None if deciding is None else deciding.outcome

    @property
    def response(self) -> Outcome | None:
        """What is delivered when nothing more is sent."""
        return self.standing.response

    def attempting(self, step: Send) -> "CallState":
        """An attempt begins."""
        chosen = frozenset((step.candidate,))
        return replace(
            self,
            attempts=self.attempts + 1,
            tried=self.tried | chosen,
            round_tried=chosen if step.opens_round else self.round_tried | chosen,
            last_attempt=step,
            retried=step.candidate in self.tried,
            resume=None,
        )

    def opening(self) -> "CallState":
        """The caller has been sent the head of a held response: its SDK will not repeat the call any more."""
        return replace(self, opened=True)

    def waited(self, step: Wait, seconds: float) -> "CallState":
        """A pause is over, `seconds` after it began."""
        return replace(self, waits=self.waits + 1, waited_s=self.waited_s + seconds, resume=step)

    def after(self, outcome: Outcome, now: float) -> "CallState":
        """An attempt has ended at `now`, seconds on the loop's clock."""
        assert self.last_attempt is not None
        current = self.last_attempt.candidate
        if outcome.cause is None:
            return replace(self, standing=self.standing.ended(outcome, current))
        if self._is_our_bad_credential(outcome, current):
            return replace(self, excluded=self.excluded | {current}, standing=self.standing.refused(outcome))
        cuts = self._cuts_with(outcome, current)
        return replace(
            self,
            standing=self.standing.ended(outcome, current),
            excluded=self._excluded_by(outcome, current, cuts),
            not_before=self._not_before_with(outcome, current, now),
            cuts=cuts,
            routes_that_lost=self._routes_that_lost_with(outcome, current),
        )

    def _is_our_bad_credential(self, outcome: Outcome, current: int) -> bool:
        """A later route's 401, 402, 403, 404 or spend limit speaks of our credential there."""
        return outcome.has_response and outcome.cause in OWN_CREDENTIAL and self.standing.is_later(current)

    def _cuts_with(self, outcome: Outcome, current: int) -> Cuts:
        if outcome.cut_after_s is None or outcome.reused_connection_died:
            return self.cuts
        return self.cuts.with_one(self.candidates[current].route_index, outcome.cut_after_s)

    def _routes_that_lost_with(self, outcome: Outcome, current: int) -> frozenset[int]:
        route = self.candidates[current].route_index
        if outcome.reused_connection_died:
            return self.routes_that_lost
        if outcome.cause is Cause.CONNECTION_FAILURE:
            return self.routes_that_lost | {route}
        return self.routes_that_lost - {route} if self.routes_that_lost else _NONE

    def _excluded_by(self, outcome: Outcome, current: int, cuts: Cuts) -> frozenset[int]:
        route = self.candidates[current].route_index
        if route in cuts.futile_routes or outcome.hints.should_retry is False:
            # With it goes what else goes by its route: a substitute that the policy names.
            same = (i for i, other in enumerate(self.candidates) if other.route_index == route)
            return self.excluded.union(same)
        if outcome.has_response and outcome.cause in OWN_CREDENTIAL and not repeat_is_forced(outcome):
            return self.excluded | {current}  # a later round would hear the same
        return self.excluded

    def _not_before_with(self, outcome: Outcome, current: int, now: float) -> tuple[tuple[int, float], ...]:
        """The newest wait that each candidate was told."""
        after_s = outcome.hints.retry_after_s
        if after_s is None:
            return self.not_before
        return (*(pair for pair in self.not_before if pair[0] != current), (current, now + after_s))

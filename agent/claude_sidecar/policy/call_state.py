"""What has happened in a call so far: each event makes a new value, nothing is changed in place."""

from typing import NamedTuple

from claude_sidecar.causes import NEVER_FORCED, OWN_CREDENTIAL, Cause
from claude_sidecar.policy.futile import are_one_timeout
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.request_facts import RequestFacts
from claude_sidecar.policy.routing import Candidate
from claude_sidecar.policy.step import Send, Wait
from claude_sidecar.schema.snapshot import Snapshot

_NONE: frozenset[int] = frozenset()


def repeat_is_forced(failure: Outcome) -> bool:
    """Whether the upstream asks for a repeat that the cause alone would not get."""
    return failure.word.should_retry is True and failure.cause not in NEVER_FORCED


class CallState(NamedTuple):
    """The history of one call that the decision reads; a tuple, since it is copied at every event.

    sends: upstream sends; waits: pauses taken, the backoff's step. tried / round_tried / excluded:
    candidates by position. not_before: (candidate, time) for those told to wait. governing: the failure
    that decides what comes next and its candidate; first_governing_candidate: that of the first of these.
    answer: what is delivered when all is spent. answer_is_second_best: it tells of our own credential on a
    later route, so any other answer is better.
    waited_s: how long the pauses were in all. opened: the caller has been sent the head of a held answer.
    cuts: route and age of connections that ended without a byte of an answer; cut_after_s: the age at which
    a route was found to cut this call again and again.
    resume: the wait just taken. stale_resent: the last send was the resend for a dead pooled connection;
    retried: it went where the call had been sent before.
    """

    snapshot: Snapshot
    facts: RequestFacts
    candidates: tuple[Candidate, ...]
    sends: int = 0
    waits: int = 0
    waited_s: float = 0.0
    opened: bool = False
    tried: frozenset[int] = _NONE
    round_tried: frozenset[int] = _NONE
    excluded: frozenset[int] = _NONE
    not_before: tuple[tuple[int, float], ...] = ()
    current: int | None = None
    governing: Outcome | None = None
    governing_candidate: int | None = None
    first_governing_candidate: int | None = None
    answer: Outcome | None = None
    answer_is_second_best: bool = False
    cuts: tuple[tuple[int, float], ...] = ()
    cut_after_s: float | None = None
    resume: Wait | None = None
    stale_resent: bool = False
    retried: bool = False

    def sending(self, step: Send) -> "CallState":
        """A send begins."""
        chosen = frozenset({step.candidate})
        return self._replace(
            sends=self.sends + 1,
            tried=self.tried | chosen,
            round_tried=chosen if step.opens_round else self.round_tried | chosen,
            current=step.candidate,
            resume=None,
            stale_resent=step.fresh,
            retried=step.candidate in self.tried,
        )

    @property
    def deadline_s(self) -> float:
        """By when the call must be settled; a caller that receives bytes has no time-out of its own."""
        return self.facts.total_by_s if self.opened else self.facts.deadline_s

    def opening(self) -> "CallState":
        """The caller has been sent the head of a held answer: its SDK will not repeat the call any more."""
        return self._replace(opened=True)

    def lost_a_connection(self, candidate: int) -> bool:
        """Whether the last send, to the candidate's route, lost a connection that had not been idle."""
        failure, failed = self.governing, self.governing_candidate
        if failure is None or failed is None or failure.cause is not Cause.CONNECTION_FAILURE:
            return False
        return not failure.reused_connection_died and candidate in self._of_same_route(failed)

    def waited(self, step: Wait, seconds: float) -> "CallState":
        """A pause is over, `seconds` after it began."""
        return self._replace(waits=self.waits + 1, waited_s=self.waited_s + seconds, resume=step)

    def after(self, outcome: Outcome, now: float) -> "CallState":
        """A send has ended at `now`, seconds on the loop's clock."""
        current = self.current
        assert current is not None
        if self._is_our_bad_credential(outcome, current):
            second_best = self.answer is None or self.answer_is_second_best
            return self._replace(
                excluded=self.excluded | {current},
                answer=outcome if second_best else self.answer,
                answer_is_second_best=second_best,
            )
        excluded, not_before = self.excluded, self.not_before
        cuts, cut_after_s = self._cuts_with(outcome, current)
        if cut_after_s is not None:
            excluded |= self._of_same_route(current)
        if outcome.word.should_retry is False:
            excluded |= self._of_same_route(current)
        elif outcome.has_answer and outcome.cause in OWN_CREDENTIAL and not repeat_is_forced(outcome):
            excluded |= {current}  # a later round would hear the same
        if outcome.word.retry_after_s is not None:
            told = tuple(pair for pair in not_before if pair[0] != current)
            not_before = (*told, (current, now + outcome.word.retry_after_s))
        return self._replace(
            governing=outcome,
            governing_candidate=current,
            first_governing_candidate=(
                current if self.first_governing_candidate is None else self.first_governing_candidate
            ),
            answer=outcome if outcome.has_answer else self.answer,
            answer_is_second_best=self.answer_is_second_best and not outcome.has_answer,
            excluded=excluded,
            not_before=not_before,
            cuts=cuts,
            cut_after_s=cut_after_s if cut_after_s is not None else self.cut_after_s,
        )

    def _cuts_with(
        self, outcome: Outcome, current: int
    ) -> tuple[tuple[tuple[int, float], ...], float | None]:
        """The cuts so far, and the age of this one where it shows that repeats on its route are futile."""
        age_s = outcome.cut_after_s
        if age_s is None or outcome.reused_connection_died:
            return self.cuts, None
        route = self.candidates[current].route_index
        ages_s = tuple(age for cut, age in self.cuts if cut == route)
        return (*self.cuts, (route, age_s)), min(age_s, *ages_s) if are_one_timeout(ages_s, age_s) else None

    def _is_our_bad_credential(self, outcome: Outcome, current: int) -> bool:
        """A later route's 401, 402, 403, 404 or spend limit speaks of our credential there.

        Later: not the first in order of preference, or not the first that was tried.
        """
        later = current > 0 or self.first_governing_candidate not in (None, current)
        return later and outcome.has_answer and outcome.cause in OWN_CREDENTIAL

    def _of_same_route(self, current: int) -> frozenset[int]:
        """The candidate and what else goes by its route: a substitute that the policy names."""
        route = self.candidates[current].route_index
        return frozenset(i for i, other in enumerate(self.candidates) if other.route_index == route)

"""Rules that end a call: each says when nothing more is sent."""

from claude_sidecar.policy.actions import Deliver, GiveUp
from claude_sidecar.policy.call_state import repeat_is_forced
from claude_sidecar.policy.moment import CLOCK_GRAIN_S, Moment
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.reasons import StopReason
from claude_sidecar.policy.rule import Rule

End = Deliver | GiveUp


def stop(moment: Moment, why: Rule) -> End:
    """Nothing more is sent: the answer that stands is delivered, else an error of our own."""
    state = moment.state
    assert isinstance(why.then, StopReason)
    if state.answer is not None:
        return Deliver(state.answer, why.then, why)
    deciding = state.deciding
    return GiveUp(why.then, deciding.cause if deciding is not None else None, why)


def answered(moment: Moment, why: Rule) -> End | None:
    """The upstream has answered."""
    return deliver_success(moment.failure, why)


def deliver_success(success: Outcome, why: Rule) -> Deliver:
    """An answer that is no error ends the call."""
    return Deliver(success, StopReason.SUCCESS, why)


def no_route(moment: Moment, why: Rule) -> End | None:
    """There is no candidate."""
    return None if moment.state.candidates else stop(moment, why)


def sent_once(moment: Moment, why: Rule) -> End | None:
    """The request may not be sent again."""
    return None if moment.state.facts.repeatable else stop(moment, why)


def cut_short(moment: Moment, why: Rule) -> End | None:
    """The deadline ended the last attempt, which has not had its say."""
    if not (_is_past_deadline(moment) and _are_attempts_spent(moment) and moment.failure.our_timeout):
        return None
    return stop(moment, why)


def attempts_spent(moment: Moment, why: Rule) -> End | None:
    """As many sends are made as the call has."""
    return stop(moment, why) if _are_attempts_spent(moment) else None


def past_deadline(moment: Moment, why: Rule) -> End | None:
    """The deadline has come, or comes within the clock's grain."""
    return stop(moment, why) if _is_past_deadline(moment) else None


def may_be_running(moment: Moment, why: Rule) -> End | None:
    """A time-out of ours ended a request that may work for minutes."""
    if not moment.failure.our_timeout or moment.state.facts.timeout_repeats:
        return None
    return stop(moment, why)


def not_retried(moment: Moment, why: Rule) -> End | None:
    """Neither policy nor upstream wants a repeat."""
    failure = moment.failure
    if repeat_is_forced(failure) or failure.cause in moment.state.snapshot.retry.causes:
        return None
    return stop(moment, why)


def futile(moment: Moment, why: Rule) -> End | None:
    """Nobody is left to repeat to, since a route cuts this call again and again."""
    state = moment.state
    routes = {state.candidates[each].route_index for each in moment.targets()}
    if moment.open_targets() or not routes & state.cuts.futile_routes:
        return None
    return stop(moment, why)


def forbidden(moment: Moment, why: Rule) -> End | None:
    """The route that failed was given up by the upstream's word."""
    if moment.moves or moment.failed not in moment.state.excluded:
        return None
    return stop(moment, why)


def no_credential(moment: Moment, why: Rule) -> End | None:
    """Nobody is eligible at the start, which a missing credential alone can be why."""
    return stop(moment, why)


def no_route_left(moment: Moment, why: Rule) -> End | None:
    """Nobody is left to repeat to.

    After a wait, or where nothing has decided yet, somebody eligible would have been sent to by now.
    """
    state = moment.state
    if state.resume is None and state.standing.deciding is not None and moment.open_targets():
        return None
    return stop(moment, why)


def _are_attempts_spent(moment: Moment) -> bool:
    return moment.state.sends >= moment.state.facts.max_sends


def _is_past_deadline(moment: Moment) -> bool:
    # A wait that fitted ends before the deadline, be it by less than the clock's grain.
    grain_s = CLOCK_GRAIN_S if moment.state.resume is None else 0.0
    return moment.now >= moment.state.deadline_s - grain_s

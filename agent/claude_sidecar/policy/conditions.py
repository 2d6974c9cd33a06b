"""When each rule of the table in rules.py holds, and the step that it takes: an attempt, an end or a wait."""

from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import Deliver, GiveUp, Send, Wait
from claude_sidecar.policy.backoff import backoff_s, retry_after_jitter_s
from claude_sidecar.policy.call_state import repeat_is_forced
from claude_sidecar.policy.moment import CLOCK_GRAIN_S, Moment, Pause
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.reasons import StopReason, WaitReason
from claude_sidecar.policy.rule import Rule


def first_of_a_round(moment: Moment, why: Rule) -> Send | None:
    """A round begins, and somebody is eligible."""
    resume = moment.state.resume
    if resume is not None and resume.candidate is not None:
        return None
    eligible = moment.eligible()
    return moment.send(eligible[0], why, opens_round=True) if eligible else None


def same_route(moment: Moment, why: Rule) -> Send | None:
    """The wait was for one candidate, which still has its credential."""
    resume = moment.state.resume
    assert resume is not None
    if resume.candidate is None or resume.candidate in moment.health.credential_missing:
        return None
    return moment.send(resume.candidate, why)


def dead_connection(moment: Moment, why: Rule) -> Send | None:
    """An upstream that closes every connection looks the same: where the call has failed there before, its
    last sends are not spent on this until it has waited as long as an SDK would."""
    state, failed = moment.state, moment.candidate
    last = state.last_attempt
    assert last is not None
    if not moment.outcome.reused_connection_died or last.candidate != failed or last.fresh:
        return None
    # A refusal of our own key since then does not decide: the failure before it still does.
    if failed in moment.health.credential_missing or failed in state.excluded:
        return None
    if state.retried and moment.patience_left_s(1) > 0:
        return None
    return moment.send(failed, why, fresh=True)


def next_route(moment: Moment, why: Rule) -> Send | None:
    """Another route may cure the failure, and the next of this round may be sent to now."""
    following = _next_of_the_round(moment)
    if following is None:
        return None
    candidate, turn_s = following
    if turn_s is None:
        return moment.send(candidate, why)
    return moment.send(candidate, why, spends_budget=True) if turn_s <= moment.now else None


def turn_within_the_round(moment: Moment, why: Rule) -> Wait | None:
    """The next of this round is a repeat, and its turn has not come: else `next_route` has answered."""
    following = _next_of_the_round(moment)
    if following is None:
        return None
    candidate, turn_s = following
    assert turn_s is not None
    return Wait(turn_s - moment.now, WaitReason.BUDGET, candidate, moment.now, why)


def _next_of_the_round(moment: Moment) -> tuple[int, float | None] | None:
    """The next candidate of this round, and when its turn is; None where it needs none.

    Another model of a route that was tried is a repeat, and needs a turn.
    """
    if not moment.moves:
        return None
    state = moment.state
    routes_tried = moment.routes_tried()
    for candidate in moment.eligible():
        if candidate in state.round_tried:
            continue
        if state.candidates[candidate].route_index not in routes_tried:
            return candidate, None
        turn_s = moment.turn_s(moment.now)
        if turn_s is not None:
            return candidate, turn_s
    return None


End = Deliver | GiveUp


def stop(moment: Moment, why: Rule) -> End:
    """Nothing more is sent: the response that stands is delivered, else an error of our own."""
    state = moment.state
    assert isinstance(why.then, StopReason)
    if state.response is not None:
        return Deliver(state.response, why.then, why)
    deciding = state.deciding
    return GiveUp(why.then, deciding.cause if deciding is not None else None, why)


def succeeded(moment: Moment, why: Rule) -> End | None:
    """The upstream has answered."""
    return deliver_success(moment.outcome, why)


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
    if not (_is_past_deadline(moment) and _are_attempts_spent(moment) and moment.outcome.our_timeout):
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
    if not moment.outcome.our_timeout or moment.state.facts.timeout_repeats:
        return None
    return stop(moment, why)


def not_retried(moment: Moment, why: Rule) -> End | None:
    """Neither policy nor upstream wants a repeat."""
    failure = moment.outcome
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
    """The route that failed was given up by `x-should-retry: false`."""
    if moment.moves or moment.candidate not in moment.state.excluded:
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
    return moment.state.attempts >= moment.state.facts.max_attempts


def _is_past_deadline(moment: Moment) -> bool:
    # A wait that fitted ends before the deadline, be it by less than the clock's grain.
    grain_s = CLOCK_GRAIN_S if moment.state.resume is None else 0.0
    return moment.now >= moment.state.deadline_s - grain_s


def retry_after_too_long(moment: Moment, why: Rule) -> End | None:
    """The upstream asks for a longer wait than the policy allows."""
    if _pause(moment).retry_after_s <= moment.state.snapshot.retry.max_retry_after_s:
        return None
    return stop(moment, why)


def retry_after_past_deadline(moment: Moment, why: Rule) -> End | None:
    """What it asks for ends after the deadline."""
    pause = _pause(moment)
    return stop(moment, why) if pause.retry_after_s >= pause.left_s else None


def ends_past_deadline(moment: Moment, why: Rule) -> End | None:
    """The wait, with backoff and jitter, ends after the deadline."""
    pause = _pause(moment)
    return stop(moment, why) if pause.seconds >= pause.left_s else None


def rate_limit(moment: Moment, why: Rule) -> Wait | None:
    """A rate limit said when to come again, and that is the wait."""
    pause = _pause(moment)
    if not pause.obeys:
        return None
    return Wait(pause.seconds, WaitReason.RETRY_AFTER, pause.candidate, None, why)


def no_turn(moment: Moment, why: Rule) -> End | None:
    """The retry budget has no turn in time."""
    return stop(moment, why) if _pause(moment).turn_s is None else None


def later_turn(moment: Moment, why: Rule) -> Wait | None:
    """Its turn comes later than the wait would end."""
    wait = _until_turn(moment, why)
    return wait if wait.seconds > _pause(moment).seconds + CLOCK_GRAIN_S else None


def retry_after(moment: Moment, why: Rule) -> Wait | None:
    """The upstream asked for a wait."""
    return _until_turn(moment, why) if _pause(moment).retry_after_s > 0 else None


def backoff(moment: Moment, why: Rule) -> Wait:
    """Nothing else decides the wait."""
    return _until_turn(moment, why)


def _until_turn(moment: Moment, why: Rule) -> Wait:
    pause, now = _pause(moment), moment.now
    assert pause.turn_s is not None  # else `no_turn` has answered
    assert isinstance(why.then, WaitReason)
    return Wait(max(0.0, pause.turn_s - now), why.then, pause.candidate, now + pause.seconds, why)


def _pause(moment: Moment) -> Pause:
    """The pause after a failure that leaves an open target, worked out for the first rule that asks."""
    if moment.pause is None:
        retry_after_s = {
            candidate: moment.retry_after_left_s(candidate) for candidate in moment.open_targets()
        }
        shortest_s = min(retry_after_s.values())
        # To obey a limit is to wait as long as its route said; another route may be free earlier.
        obeys = _says_when(moment) and retry_after_s.get(moment.candidate) == shortest_s
        left_s = moment.state.deadline_s - moment.now
        wanted_s = _wanted_s(moment, shortest_s, left_s, obeys=obeys)
        seconds = max(wanted_s, moment.patience_left_s(len(retry_after_s)))
        turn_s = None if obeys else moment.turn_s(moment.now + seconds)
        candidate = None if moment.moves else moment.candidate
        moment.pause = Pause(candidate, shortest_s, obeys, seconds, left_s, turn_s)
    return moment.pause


def _says_when(moment: Moment) -> bool:
    """Whether it is a limit whose response says when to come again."""
    failure = moment.outcome
    return failure.cause is Cause.RATE_LIMIT and failure.hints.retry_after_s is not None


def _wanted_s(moment: Moment, retry_after_s: float, left_s: float, *, obeys: bool) -> float:
    """How long to wait by the upstream's retry hints and the backoff."""
    snapshot, chance = moment.state.snapshot, moment.chance
    initial_s = snapshot.retry.backoff.initial_s
    seconds = 0.0 if obeys else backoff_s(initial_s, snapshot.retry.backoff.max_s, moment.state.waits, chance)
    if obeys or retry_after_s > 0:
        # Jitter alone must not carry past the deadline a wait that fits.
        jitter_s = min(
            retry_after_jitter_s(initial_s, retry_after_s, chance), chance * (left_s - retry_after_s)
        )
        seconds = max(seconds, retry_after_s + jitter_s)
    return seconds

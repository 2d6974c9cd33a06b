"""Rules of a wait before a repeat: whether it ends in time, and what it is for."""

from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import Wait
from claude_sidecar.policy.backoff import backoff_s, retry_after_jitter_s
from claude_sidecar.policy.moment import CLOCK_GRAIN_S, Moment, Pause
from claude_sidecar.policy.reasons import WaitReason
from claude_sidecar.policy.rule import Rule
from claude_sidecar.policy.stopping import End, stop


def told_too_long(moment: Moment, why: Rule) -> End | None:
    """The upstream asks for a longer wait than the policy allows."""
    if _pause(moment).told_s <= moment.state.snapshot.retry.max_retry_after_s:
        return None
    return stop(moment, why)


def told_past_deadline(moment: Moment, why: Rule) -> End | None:
    """What it asks for ends after the deadline."""
    pause = _pause(moment)
    return stop(moment, why) if pause.told_s >= pause.left_s else None


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
    return _until_turn(moment, why) if _pause(moment).told_s > 0 else None


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
        told_s = {candidate: moment.told_wait_s(candidate) for candidate in moment.open_targets()}
        shortest_s = min(told_s.values())
        # To obey a limit is to wait as long as its route said; another route may be free earlier.
        obeys = _says_when(moment) and told_s.get(moment.failed) == shortest_s
        left_s = moment.state.deadline_s - moment.now
        wanted_s = _wanted_s(moment, shortest_s, left_s, obeys=obeys)
        seconds = max(wanted_s, moment.patience_left_s(len(told_s)))
        turn_s = None if obeys else moment.turn_s(moment.now + seconds)
        candidate = None if moment.moves else moment.failed
        moment.pause = Pause(candidate, shortest_s, obeys, seconds, left_s, turn_s)
    return moment.pause


def _says_when(moment: Moment) -> bool:
    """Whether it is a limit whose answer says when to come again."""
    failure = moment.failure
    return failure.cause is Cause.RATE_LIMIT and failure.hints.retry_after_s is not None


def _wanted_s(moment: Moment, told_s: float, left_s: float, *, obeys: bool) -> float:
    """How long to wait by the upstream's word and the backoff."""
    snapshot, chance = moment.state.snapshot, moment.chance
    initial_s = snapshot.retry.backoff.initial_s
    seconds = 0.0 if obeys else backoff_s(initial_s, snapshot.retry.backoff.max_s, moment.state.waits, chance)
    if obeys or told_s > 0:
        # Jitter alone must not carry past the deadline a wait that fits.
        jitter_s = min(retry_after_jitter_s(initial_s, told_s, chance), chance * (left_s - told_s))
        seconds = max(seconds, told_s + jitter_s)
    return seconds

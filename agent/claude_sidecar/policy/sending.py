"""Rules that send: the first of a round, the next of it, the same route again."""

from claude_sidecar.policy.actions import Send, Wait
from claude_sidecar.policy.moment import Moment
from claude_sidecar.policy.reasons import WaitReason
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
    state, failed = moment.state, moment.failed
    last = state.last_send
    assert last is not None
    if not moment.failure.reused_connection_died or last.candidate != failed or last.fresh:
        return None
    # A refusal of our own key since then does not decide: the failure before it still does.
    if failed in moment.health.credential_missing or failed in state.excluded:
        return None
    if state.retried and moment.patience_left_s(1) > 0:
        return None
    return moment.send(failed, why, fresh=True)


def next_route(moment: Moment, why: Rule) -> Send | Wait | None:
    """Another route may cure the failure, and an eligible one was not tried in this round.

    Another model of a route that was tried is a repeat, and needs a turn.
    """
    if not moment.moves:
        return None
    state, now = moment.state, moment.now
    routes_tried = moment.routes_tried()
    for candidate in moment.eligible():
        if candidate in state.round_tried:
            continue
        if state.candidates[candidate].route_index not in routes_tried:
            return moment.send(candidate, why)
        turn_s = moment.turn_s(now)
        if turn_s is None:
            continue
        if turn_s <= now:
            return moment.send(candidate, why, spends_budget=True)
        return Wait(turn_s - now, WaitReason.BUDGET, candidate, now, why)
    return None

"""The decision: from what has happened in a call, what to do next. No socket, clock or chance in here.

The words
---------
An **attempt** is one upstream request of a call, a failed connect included. A **candidate** is a way to make
one: a route and the model's name there. Routes come in the policy's order, substitutes behind them. A
**round** tries each eligible candidate once, in order and without a wait. Eligible is what serves the model,
has its credential, was not told to wait longer, was not given up in this call, and has no open breaker; if
only breakers leave nobody, they are ignored. Between rounds, and before the same route is tried again, there
is a **wait**. A **turn** is a reserved moment of the retry budget, which all calls share: a repeat to a route
that the call has tried waits for one. A fresh route, an obeyed rate limit and the resend of a dead connection
are free. The **deadline** is the smaller of `timeouts.total` and the caller's own time-out, less a margin. By
then the call must be committed, and no wait is begun that would end after it. An opened call, whose caller
has the head of a stream already, has `timeouts.total` alone.

How it decides
--------------
The engine asks `next_step`, carries the step out, notes what came of it in the call's state and asks again,
until it is told to deliver or to give up. After a success there is nothing to weigh: `end_of_success`. It is
always the same table that answers, RULES in rules.py. A rule is asked in the situations that it names, and
answers with a step or with None. **The first that answers is obeyed**, and the step carries the rule as its
reason. docs/decision.md is written from the table, and `explain` prints the reasons: to find out why a call
did what it did, look up its rule.

Why the order is the contract
-----------------------------
Often several rules hold, and which is heard decides what the app sees. Attempts are counted before the
deadline is looked at, so that an SDK is told to stop where they are spent; but a last attempt that the
deadline itself cut short has not had its say, so that is asked first. Where the call may be repeated, with
attempts and time left, a dead connection is sent again before its cause is looked at, since it says nothing
of the upstream. What may still be running is settled before another route is asked, where it would be billed
as well. Another route comes before `retry.causes`, for it may answer what no repeat would. Whom a repeat
would go to is settled before how long it waits, and whether that wait ends in time before what it is for.

What the table can't say
------------------------
The history that the rules read is kept by call_state.py: which candidates are given up, who was told to wait
until when, which outcome counts. A later route's refusal of our own key decides nothing, and is delivered
only for want of another response; that is why REFUSAL is a situation of its own. Which status is which cause,
and what a cause may lead to, are the rows of causes.py. What the caller's SDK is told at the end is
x_should_retry.py.
"""

from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import Deliver, Send, Step
from claude_sidecar.policy.call_state import CallState
from claude_sidecar.policy.conditions import deliver_success
from claude_sidecar.policy.moment import HealthView, Moment
from claude_sidecar.policy.outcome import Outcome
from claude_sidecar.policy.rule import Situation
from claude_sidecar.policy.rules import RULES

_ASKED_AFTER = {
    situation: tuple(rule for rule in RULES if situation in rule.asked_after) for situation in Situation
}
_ANY_CHANCE = 0.5


def next_step(state: CallState, health: HealthView, now: float, chance: float) -> Step:
    """Say what to do next in a call.

    now: seconds on the clock of `facts.deadline_s`; chance: in [0, 1), drawn anew for each call of this.
    Ends: every Wait is followed by a Send or an end, and sends are bounded by `facts.max_attempts`.
    """
    deciding = state.standing.deciding
    if state.resume is not None:
        situation = Situation.WAIT
    elif deciding is None:
        situation = Situation.REFUSAL if state.attempts else Situation.START
    else:
        situation = Situation.SUCCESS if deciding.outcome.cause is None else Situation.FAILURE
    moment = Moment(state, health, now, chance)
    for rule in _ASKED_AFTER[situation]:
        step = rule.decide(moment, rule)
        if step is not None:
            return step
    raise AssertionError("the last rule of each situation answers always")


def end_of_success(state: CallState) -> Deliver | None:
    """What `next_step` says after a success, whatever else is known; None where the last send was none."""
    deciding = state.deciding
    if deciding is None or deciding.cause is not None:
        return None
    return deliver_success(deciding, _ASKED_AFTER[Situation.SUCCESS][0])


def because(step: Step, state: CallState) -> str:
    """Why a step was taken, in one sentence for people: what its rule says, and whom an attempt passed over.

    state: the call's, before the step.
    """
    said = step.why.explained(state)
    if isinstance(step, Send):
        return f"{said}; passed over: {', '.join(step.passed_over)}" if step.passed_over else said
    return said or str(step.reason)  # what no rule took has a reason all the same


def has_next_route(state: CallState, health: HealthView, now: float) -> bool:
    """Whether a time-out of the attempt under way would be followed at once by an attempt to another route.

    Asked of the decision itself, so that the two can't differ. state: with the attempt begun.
    """
    if Cause.TIMEOUT not in state.snapshot.fallback.causes:
        return False
    timed_out = state.after(Outcome(Cause.TIMEOUT, our_timeout=True), now)
    return isinstance(next_step(timed_out, health, now, _ANY_CHANCE), Send)

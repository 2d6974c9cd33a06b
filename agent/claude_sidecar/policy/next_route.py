"""Whether a call would gain by giving up on the send that is under way."""

from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import Send
from claude_sidecar.policy.call_state import CallState
from claude_sidecar.policy.decide import next_step
from claude_sidecar.policy.moment import HealthView
from claude_sidecar.policy.outcome import Outcome

_ANY_CHANCE = 0.5


def has_next_route(state: CallState, health: HealthView, now: float) -> bool:
    """Whether a time-out of the send under way would be followed at once by a send to another route.

    Asked of the decision itself, so that the two can't differ. state: with the send begun.
    """
    if Cause.TIMEOUT not in state.snapshot.fallback.causes:
        return False
    timed_out = state.after(Outcome(Cause.TIMEOUT, our_timeout=True), now)
    return isinstance(next_step(timed_out, health, now, _ANY_CHANCE), Send)

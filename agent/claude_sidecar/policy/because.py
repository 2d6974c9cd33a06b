"""Why a step was taken, in one sentence for people: what its rule says, and whom an attempt passed over."""

from claude_sidecar.policy.actions import Send, Step
from claude_sidecar.policy.call_state import CallState


def because(step: Step, call: CallState) -> str:
    """The sentence. call: its history, before the step."""
    said = step.why.explained(call)
    if isinstance(step, Send):
        return f"{said}; passed over: {', '.join(step.passed_over)}" if step.passed_over else said
    return said or str(step.reason)  # what no rule took has a reason all the same

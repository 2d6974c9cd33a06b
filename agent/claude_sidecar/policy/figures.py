"""What rules say of a call, in words that more than one uses."""

from claude_sidecar.policy.call_state import CallState, repeat_is_forced


def cause(call: CallState) -> str:
    """The cause of the failure that decides."""
    deciding = call.deciding
    return str(deciding.cause) if deciding is not None and deciding.cause is not None else "its cause"


def repeated(call: CallState) -> str:
    """Why there is a repeat at all."""
    deciding = call.deciding
    if deciding is None or deciding.cause in call.snapshot.retry.causes or not repeat_is_forced(deciding):
        return f"retry.causes names {cause(call)}"
    return "the upstream says x-should-retry: true"


def retry_after(call: CallState) -> str:
    """How long the upstream asks to wait."""
    deciding = call.deciding
    asked_s = deciding.hints.retry_after_s if deciding is not None else None
    return "a wait" if asked_s is None else f"{asked_s:g}s"


def deadline(call: CallState) -> str:
    """By when the call must be committed."""
    return f"{round(call.deadline_s - call.facts.arrival_s, 2):g}s after arrival"

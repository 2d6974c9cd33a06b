"""What rules say of a call: the fields of its policy with their values.

A field is written as the policy has it, `retry.backoff.initial = 1s`, so that a reader finds it there. No
name of a model or anything else that the caller chose: what is said here is logged.
"""

from claude_sidecar.policy.backoff import SDK_PATIENCE_S, backoff_cap_s
from claude_sidecar.policy.call_state import CallState, repeat_is_forced


def seconds(value: float) -> str:
    """`1.5s`."""
    return f"{round(value, 3):.10g}s"


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


def not_repeated(call: CallState) -> str:
    """Why neither a repeat nor another route follows."""
    deciding = call.deciding
    named = deciding is not None and deciding.cause in call.snapshot.fallback.causes
    elsewhere = "no other route may take it" if named else "fallback.causes does not name it either"
    return f"retry.causes does not name {cause(call)}, and {elsewhere}"


def retry_after(call: CallState) -> str:
    """How long the upstream asks to wait."""
    deciding = call.deciding
    asked_s = deciding.hints.retry_after_s if deciding is not None else None
    return "a wait" if asked_s is None else seconds(asked_s)


def retry_after_too_long(call: CallState) -> str:
    """That it is longer than the policy waits."""
    longest_s = call.snapshot.retry.max_retry_after_s
    return f"{retry_after(call)} is over retry.maxRetryAfter = {seconds(longest_s)}"


def told_to_wait(call: CallState) -> str:
    """What is waited for who asked for it; that may have been another route of the call."""
    deciding, initial_s = call.deciding, call.snapshot.retry.backoff.initial_s
    asked_s = deciding.hints.retry_after_s if deciding is not None else None
    asked = "" if asked_s is None else f" of {seconds(asked_s)}"
    return (
        f"the upstream's retry-after{asked}, and jitter up to retry.backoff.initial = {seconds(initial_s)} "
        f"or a tenth of it; {repeated(call)}"
    )


def backoff(call: CallState) -> str:
    """The bounds of the next wait that is drawn."""
    initial_s, max_s = call.snapshot.retry.backoff.initial_s, call.snapshot.retry.backoff.max_s
    if initial_s <= 0:
        return "retry.backoff.initial = 0s"
    words = (
        f"drawn up to {seconds(backoff_cap_s(initial_s, max_s, call.waits))}: "
        f"retry.backoff.initial = {seconds(initial_s)}, doubled with each wait, "
        f"at most retry.backoff.max = {seconds(max_s)}"
    )
    # A round may use up the attempts that are left without another wait.
    if call.facts.max_attempts - call.attempts > len(call.candidates) + 1:
        return words
    return f"{words}; before its last attempt a call has waited {seconds(SDK_PATIENCE_S)} in all, as an SDK"


def budget(call: CallState) -> str:
    """The pace of repeats."""
    budget = call.snapshot.retry.budget
    return f"retry.budget.percent = {budget.percent}, minPerSecond = {budget.min_per_second}"


def no_turn(call: CallState) -> str:
    """That a repeat would come too late."""
    longest_s = call.snapshot.retry.backoff.max_s
    return f"no turn within retry.backoff.max = {seconds(longest_s)} and the deadline; {budget(call)}"


def later_turn(call: CallState) -> str:
    """That a repeat waits for its turn."""
    return f"repeats beyond their pace wait for a turn; {budget(call)}; {repeated(call)}"


def made(call: CallState) -> str:
    """How many attempts there were, of how many."""
    repeats = call.facts.sdk.retry_count
    said = f", less {repeats} that its SDK says it has made" if repeats else ""
    allowed = call.snapshot.retry.max_attempts
    return f"{call.attempts} of {call.facts.max_attempts} made; retry.maxAttempts = {allowed}{said}"


def sent_once(call: CallState) -> str:
    """Why a call is not repeated."""
    limits = call.snapshot.limits
    if limits.max_buffered_bytes or limits.spool_bytes:
        return "such a call is not repeated"
    return "no body is kept: limits.maxBufferedMiB = 0, limits.spoolMiB = 0"


def deadline(call: CallState) -> str:
    """By when the call must be committed, and whose patience that is."""
    total_s, callers_s = call.snapshot.timeouts.total_s, call.facts.sdk.timeout_s
    by = f"timeouts.total = {seconds(total_s)}"
    if callers_s is not None and callers_s < total_s and not call.opened:
        by = f"the app's own time-out of {seconds(callers_s)}"
    return f"{seconds(call.deadline_s - call.facts.arrival_s)} after arrival, by {by}"

"""When the SDK is told not to repeat a call on its own, and only then."""

from claude_sidecar.causes import Cause, SdkRetries
from claude_sidecar.policy.actions import Deliver, GiveUp
from claude_sidecar.policy.outcome import NO_HINTS
from claude_sidecar.policy.reasons import StopReason
from claude_sidecar.schema.snapshot import Snapshot


def stops_the_sdk(step: Deliver | GiveUp, snapshot: Snapshot) -> bool:
    """Whether what a call ends with gets `x-should-retry: false`.

    It does where the sidecar had its say and a repeat can bring nothing more, or could do nothing before.
    Everywhere else the upstream's own header stands: an SDK that is told to stop although attempts are left
    would be worse off than without a sidecar.
    """
    response = step.outcome if isinstance(step, Deliver) else None
    cause = response.cause if response is not None else _lost(step)
    if cause is None:
        return False
    row = cause.row
    if row.sdk is SdkRetries.STOPPED or (response is not None and response.status in row.final_statuses):
        return True
    if row.sdk is SdkRetries.LEFT:
        return False
    hints = response.hints if response is not None else NO_HINTS
    if hints.retry_after_s is not None and hints.retry_after_s > snapshot.timeouts.total_s:
        return True
    if step.reason is StopReason.PASSES_ONCE:
        return False
    return step.reason in (StopReason.ATTEMPTS_SPENT, StopReason.FUTILE) or cause not in snapshot.retry.causes


def _lost(step: Deliver | GiveUp) -> Cause | None:
    return step.cause if isinstance(step, GiveUp) else None

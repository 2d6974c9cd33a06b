"""How long to wait before trying again: full jitter over a doubling cap, with the SDKs' patience as floor."""

SDK_PATIENCE_S = 1.5
"""What the official SDKs wait before the last of their three attempts: 0.5 s and 1 s, less up to a quarter.

Source: `_calculate_retry_timeout` in anthropic-sdk-python's `_base_client.py`; TypeScript and Go do the same.
"""

_SDK_FIRST_WAIT_S = 0.5


def backoff_cap_s(initial_s: float, max_s: float, step: int) -> float:
    """The longest wait before repeat number `step` (0 for the first): min(max, initial * 2^step).

    Safe from overflow for any step.
    """
    if initial_s <= 0:
        return 0.0
    if step >= 64:
        return max_s
    return min(max_s, initial_s * (1 << step))


def backoff_s(initial_s: float, max_s: float, step: int, chance: float) -> float:
    """A wait drawn evenly from [0, cap); chance in [0, 1).

    Full jitter: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return chance * backoff_cap_s(initial_s, max_s, step)


def patience_left_s(initial_s: float, waited_s: float, attempts_left: int) -> float:
    """The least a call must still wait before its next attempt; nothing where the policy has no backoff.

    Its last sends are as late as those of an SDK at least: else jitter may spend them all within an outage
    that the SDK on its own would outlast. waited_s: what the call has waited so far; attempts_left: how many
    there are, the next one included.
    """
    if initial_s <= 0 or attempts_left > 2:
        return 0.0
    return max(0.0, (SDK_PATIENCE_S if attempts_left <= 1 else _SDK_FIRST_WAIT_S) - waited_s)


def retry_after_jitter_s(initial_s: float, retry_after_s: float, chance: float) -> float:
    """What is added to a wait that the upstream asked for, so that not all come back at once."""
    return chance * max(initial_s, retry_after_s / 10)

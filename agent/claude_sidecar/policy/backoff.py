"""How long to wait before trying again: full jitter over a doubling cap."""


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

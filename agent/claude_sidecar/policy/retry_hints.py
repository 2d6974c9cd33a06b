"""What a response says about trying again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryHints:
    """`retry_after_s` and `should_retry`, None where the answer does not say."""

    retry_after_s: float | None = None
    should_retry: bool | None = None


NO_HINTS = RetryHints()

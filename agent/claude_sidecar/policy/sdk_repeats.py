"""When the SDK must be told not to repeat a call on its own."""

from claude_sidecar.policy.cause import RETRYABLE, Cause


def stops_the_sdk(cause: Cause | None, status: int, upstream_says_retry: bool) -> bool:
    """Whether an answer that is delivered gets `x-should-retry: false`: all that the policy allows is done.

    SDKs repeat 408, 409, 429 and 5xx, and whatever says `x-should-retry: true` (upstream_says_retry).
    409 is left to them.
    """
    if cause is None or cause is Cause.CONFLICT:
        return False
    return cause in RETRYABLE or status in (408, 429) or status >= 500 or upstream_says_retry

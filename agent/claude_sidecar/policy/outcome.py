"""How one attempt ended: the value that crosses from the transport to the decision."""

from dataclasses import dataclass, field

from claude_sidecar.causes import Cause


@dataclass(frozen=True, slots=True)
class RetryHints:
    """`retry_after_s` and `should_retry`, None where the response does not say."""

    retry_after_s: float | None = None
    should_retry: bool | None = None


NO_HINTS = RetryHints()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt's end.

    cause: None on success (also 3xx). status: None if no status line came. has_response: the upstream's
    words can be handed to the caller (a cut stream's can't). reused_connection_died: a pooled connection
    closed before any byte of a response. cut_after_s: how long after the request's last byte a connection
    ended that had given no byte of a response. our_timeout: a timer of ours ended it, not a 408.
    attempt: which attempt of the call has the response, counted from 1; 0 where there is none to hand on.
    """

    cause: Cause | None
    status: int | None = None
    has_response: bool = False
    hints: RetryHints = NO_HINTS
    reused_connection_died: bool = False
    cut_after_s: float | None = None
    our_timeout: bool = False
    attempt: int = field(default=0, compare=False)

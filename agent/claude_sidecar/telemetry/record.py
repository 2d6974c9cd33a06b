"""What happened in one call: filled by the proxy, read by the listeners once the call has ended.

Times ending in `_s` are seconds on the event loop's clock; `Timebase` turns them into wall time.
Nothing in here may hold content or a key.
"""

from dataclasses import dataclass, field

from claude_sidecar.causes import Cause
from claude_sidecar.policy.commit import CommitReason
from claude_sidecar.wire.tokens import TokenUsage


@dataclass(frozen=True, slots=True)
class Timebase:
    """Joins the loop's clock to wall time: both read at the same instant."""

    loop_s: float
    unix_ns: int

    def unix_ns_at(self, loop_s: float) -> int:
        """Wall time in nanoseconds at a moment of the loop's clock."""
        return self.unix_ns + int((loop_s - self.loop_s) * 1e9)


@dataclass(slots=True)
class AttemptRecord:
    """One upstream send (a failed connect counts).

    status: None if no status line came. error_type: the provider's `error.type`, else
    `connection_error` or `timeout`, None on success. outcome cause: None on success.
    limit: which rate limit a 429 hit.
    span_id: 8 bytes as 16 hex digits, set when the send carried a `traceparent` of ours.
    key: the alias of the credential that was sent: the route's own, else the caller's.
    partial: the answer was a stream that did not end whole, so more was used than `usage` tells.
    """

    route: str
    model: str
    started_s: float
    server_address: str
    server_port: int
    url: str
    ended_s: float = 0.0
    first_byte_s: float | None = None
    status: int | None = None
    cause: Cause | None = None
    error_type: str | None = None
    limit: str | None = None
    request_id: str | None = None
    reused_connection_died: bool = False
    cancelled: bool = False
    span_id: str | None = None
    key: str = "none"
    usage: TokenUsage = field(default_factory=TokenUsage)
    partial: bool = False
    response_model: str | None = None
    response_id: str | None = None
    stop_reason: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedBy:
    """The send whose answer opened a call; attempt: counted from 1."""

    route: str
    attempt: int


@dataclass(frozen=True, slots=True)
class WaitRecord:
    """A pause between sends. reason: `retry-after`, `backoff` or `budget`."""

    at_s: float
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class FallbackRecord:
    """A move to another route (or, by a named substitution, to another model)."""

    at_s: float
    from_route: str
    to_route: str
    cause: Cause


@dataclass(slots=True)
class CallRecord:
    """One call of the app, from its first byte to the last byte of the answer.

    path: the request's path without its query. operation: `chat`, `count_tokens`, or None
    where the call is no inference. model: as asked, None where the body names none.
    route: that gave the answer, `none` on own errors. status: as delivered; None when the caller
    went away before anything was delivered. error_type: provider's, `gateway_...`, or None.
    key: the alias (never the credential) of what was sent to `route`; on own errors of what the last send
    carried, else of what the caller sent.
    limit: which rate limit a 429 hit.
    opened_by: whose head the caller got while nothing was certain, None for a call that was not opened.
    commit_reason: what ended the hold of a stream, None where nothing was committed.
    retry_outcome: None without repeats, else `won`, `exhausted` or `refused` (the budget).
    cut_after_s: seconds of silence after which a route was found to cut this call again and again.
    body_kept: whether the request's body could be sent again; None where it has none.
    first_byte_s / first_chunk_s: when the answer's head / the first body bytes went to the caller.
    trace_id: 32 hex digits and parent_span_id: 16 hex digits from the caller's `traceparent`.
    """

    call_id: str
    method: str
    path: str
    started_s: float
    policy: str
    policy_hash: str
    operation: str | None = None
    ended_s: float = 0.0
    model: str | None = None
    substituted_model: str | None = None
    stream: bool = False
    max_tokens: int | None = None
    request_bytes: int = 0
    body_kept: bool | None = None
    sdk_retry_count: int = 0
    route: str = "none"
    status: int | None = None
    cause: Cause | None = None
    error_type: str | None = None
    limit: str | None = None
    hint: str | None = None
    key: str = "none"
    feature: str = ""
    request_id: str | None = None
    cancelled: bool = False
    interrupted: bool = False
    opened_by: OpenedBy | None = None
    commit_reason: CommitReason | None = None
    retry_outcome: str | None = None
    cut_after_s: float | None = None
    first_byte_s: float | None = None
    first_chunk_s: float | None = None
    added_s: float = 0.0
    trace_id: str | None = None
    parent_span_id: str | None = None
    parent_sampled: bool = False
    tracestate: str | None = None
    server_span_id: str | None = None
    attempts: list[AttemptRecord] = field(default_factory=list)
    waits: list[WaitRecord] = field(default_factory=list)
    fallbacks: list[FallbackRecord] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether the caller got an error, be it inside a 200, or a stream that broke."""
        status = self.status
        return status is None or status >= 400 or self.interrupted or self.cause is not None

    @property
    def told_of_failure(self) -> bool:
        """Whether the caller was told that the call failed, or saw it break."""
        return self.interrupted or self.cause is not None or (self.status or 0) >= 400

"""What happened in one call: made once, when the call has ended, and never changed.

The proxy makes one `CallRecord` a call out of what was asked, the attempts, the pauses and moves between
them, and what the caller got; metrics, traces, log and request list read it and nothing else. Its parts are
values of their own, since some are known before the end: a response's head tells what its `ResponseRecord`
says. Strings that strangers chose are cut to length and made printable as a record is made, so that whoever
has a record may keep and emit it as it is. Nothing in here may hold content or a key.

Times ending in `_s` are seconds on the event loop's clock; `Timebase` turns them into wall time.

Structs of msgspec: a frozen dataclass of so many fields takes three times as long to make.
"""

from dataclasses import dataclass
from decimal import Decimal

import msgspec

from claude_sidecar.causes import Cause
from claude_sidecar.policy.holding import CommitReason
from claude_sidecar.providers.registry import CALLERS
from claude_sidecar.telemetry.attempts import (
    AttemptRecord,
    FallbackRecord,
    OpenedBy,
    WaitRecord,
    error_type_of,
)
from claude_sidecar.telemetry.bounds import NAME_CHARS, PATH_CHARS, TEXT_CHARS, keep_bounded
from claude_sidecar.wire.credential import ALIAS_NONE
from claude_sidecar.wire.model_name import same_model

NO_ROUTE = "none"
"""The route of a response that no upstream gave."""

_REQUEST_BOUNDS = (
    ("method", 32),
    ("path", PATH_CHARS),
    ("model", NAME_CHARS),
    ("feature", NAME_CHARS),
    ("conversation", NAME_CHARS),
    ("agent", NAME_CHARS),
    ("parent_agent", NAME_CHARS),
)
_RESPONSE_BOUNDS = (("error_type", NAME_CHARS), ("request_id", NAME_CHARS), ("hint", TEXT_CHARS))


@dataclass(frozen=True, slots=True)
class Timebase:
    """Joins the loop's clock to wall time: both read at the same instant."""

    loop_s: float
    unix_ns: int

    def unix_ns_at(self, loop_s: float) -> int:
        """Wall time in nanoseconds at a moment of the loop's clock."""
        return self.unix_ns + int((loop_s - self.loop_s) * 1e9)


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the caller asked for."""

    method: str
    """As it came, `_OTHER` where it could not be read."""

    path: str
    """Without its query."""

    operation: str | None = None
    """`chat`, `text_completion` or `count_tokens`, None where the call is no inference."""

    model: str | None = None
    """As asked, None where the body names none."""

    stream: bool = False
    """Whether a stream of events was asked for."""

    max_tokens: int | None = None
    """As asked, None where the body gives no number."""

    body_bytes: int = 0
    """Size of the body, as declared or as far as it was read."""

    body_kept: bool | None = None
    """Whether the body could be sent again, None where there is none."""

    sdk_retry_count: int = 0
    """How often the caller's SDK had sent this call before, by its own word."""

    sdk_timeout_s: float | None = None
    """The caller's own time-out, by its SDK's word; None where it tells none."""

    account_bound: bool = False
    """Whether it lives in one account, so that only one route may have it."""

    feature: str = ""
    """The value of the policy's feature header, empty without one."""

    conversation: str = ""
    """The session that the caller says the call belongs to, empty without one."""

    agent: str = ""
    """The agent that makes it, by the caller's own word, empty without one."""

    parent_agent: str = ""
    """The agent that started that one, empty without one."""

    blind_repeat: str | None = None
    """The client, by its kind, that sent again what it had been told not to; None where the call is no such
    repeat."""

    parent_span_id: str | None = None
    """16 hex digits out of the caller's `traceparent`."""

    parent_sampled: bool = False
    """Whether the caller's own trace is kept."""

    tracestate: str | None = None
    """The caller's, as it came; None where it is too long to go on."""

    def __post_init__(self) -> None:
        keep_bounded(self, _REQUEST_BOUNDS)
        if self.tracestate is not None and len(self.tracestate) > TEXT_CHARS:
            # W3C Trace Context: a tracestate that is too long is dropped whole, never cut within an entry.
            msgspec.structs.force_setattr(self, "tracestate", None)


class ResponseRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the caller got: an upstream's response, an error of our own, or nothing."""

    attempt: int = 0
    """Number of the attempt that it is the response of, counted from 1; 0 for an error of our own."""

    route: str = NO_ROUTE
    """The route that gave it, `none` for an error of our own."""

    status: int | None = None
    """As sent, 200 for a call that was opened; None when the caller went away before anything was sent."""

    cause: Cause | None = None
    """Why it is a failure; None on success."""

    error_type: str | None = None
    """The provider's, `gateway_...`, or None."""

    limit: str | None = None
    """Which rate limit a 429 hit."""

    hint: str | None = None
    """One line of help."""

    hint_name: str | None = None
    """What that line is of, as hints are counted: `429/output-tokens`."""

    request_id: str | None = None
    """The upstream's own name for the request; None for an error of our own."""

    commit_reason: CommitReason | None = None
    """What ended the hold of a stream, None where nothing was committed."""

    interrupted: bool = False
    """Whether it broke, or turned into an error, after its head was sent."""

    def __post_init__(self) -> None:
        keep_bounded(self, _RESPONSE_BOUNDS)


NO_RESPONSE = ResponseRecord()


class CallRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call of the app, from its first byte to the last byte of what it got."""

    call_id: str
    """`sc_...`, which our own errors have as their request id."""

    policy: str
    """Name of the policy that it went by."""

    policy_hash: str
    """That policy's hash."""

    started_s: float
    """When it arrived."""

    ended_s: float
    """When nothing more was to be done."""

    request: RequestRecord
    """What was asked."""

    response: ResponseRecord = NO_RESPONSE
    """What the caller got."""

    attempts: tuple[AttemptRecord, ...] = ()
    """Attempts, in their order."""

    waits: tuple[WaitRecord, ...] = ()
    """Pauses between them."""

    fallbacks: tuple[FallbackRecord, ...] = ()
    """Moves between routes."""

    cancelled: bool = False
    """Whether the caller went away before the end."""

    key: str = ALIAS_NONE
    """The alias of what was sent for the response that was delivered; without one, of what the last attempt
    carried, else of what the caller sent. Never the credential."""

    substituted_model: str | None = None
    """The other model, named by the policy, that was asked instead in that attempt."""

    opened_by: OpenedBy | None = None
    """Whose head the caller got while nothing was certain, None for a call that was not opened."""

    retry_outcome: str | None = None
    """None without repeats, else `won`, `exhausted`, or `refused` by the budget."""

    first_chunk_s: float | None = None
    """When the first bytes of the response's body went to the caller."""

    added_s: float = 0.0
    """Time to the response's head, less what the upstream took of it."""

    trace_id: str | None = None
    """32 hex digits, from the caller's `traceparent` or as it was sent upstream."""

    end_rule: str | None = None
    """The rule of the decision by which nothing more was sent; None where none ended the call."""

    end_because: str | None = None
    """What that rule says, with the call's own figures."""

    @property
    def answered_by(self) -> AttemptRecord | None:
        """The attempt that gave the response; where none did, the last one, None where nothing was sent.

        A later route's refusal of our own key gives way to an earlier answer, so it is not always the last.
        """
        if not self.attempts:
            return None
        return self.attempts[self.response.attempt - 1 if self.response.attempt else -1]

    @property
    def cost_usd(self) -> Decimal | None:
        """What all attempts cost, those that were given up too; None where nothing is priced."""
        costs = [attempt.cost_usd for attempt in self.attempts if attempt.cost_usd is not None]
        return sum(costs, Decimal()) if costs else None

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Kinds of usage, of any attempt, that are not in the cost: the policy names no price for them."""
        return tuple(dict.fromkeys(kind for attempt in self.attempts for kind in attempt.unpriced))

    @property
    def provider(self) -> str:
        """Whose API gave the response, or was asked last; where nothing was sent, the one that apps speak."""
        sent = self.answered_by
        return sent.provider if sent is not None else CALLERS.name

    @property
    def has_failed(self) -> bool:
        """Whether the caller got an error, be it inside a 200, or a stream that broke, or nothing at all."""
        got = self.response
        if got.interrupted or got.cause is not None:
            return True
        return got.status >= 400 if got.status is not None else not self.cancelled

    @property
    def caller_left(self) -> bool:
        """Whether the caller went away from a call that had not failed by then: no error of anybody's."""
        return self.cancelled and not self.has_failed

    @property
    def error(self) -> str | None:
        """`error.type` as the caller got it; None where nothing failed, or the caller left before."""
        if not self.has_failed:
            return None
        return error_type_of(self.response.error_type, self.response.status) or "_OTHER"

    @property
    def is_noteworthy(self) -> bool:
        """Whether the call failed, was retried, made to wait or rerouted."""
        return len(self.attempts) > 1 or bool(self.waits or self.fallbacks) or self.has_failed

    @property
    def wrong_model(self) -> str | None:
        """The model that answered, if it is neither the one asked for nor its named substitute."""
        asked, sent = self.request.model, self.answered_by
        if sent is None or asked is None:
            return None
        answered, meant = sent.response_model, (self.substituted_model or asked, sent.model)
        if answered is None or answered in meant:
            return None
        return None if any(same_model(model, answered) for model in meant) else answered

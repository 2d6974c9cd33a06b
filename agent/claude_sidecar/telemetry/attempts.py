"""What happened upstream in one call: its attempts, and the pauses and moves between them."""

from decimal import Decimal

import msgspec

from claude_sidecar.causes import Cause
from claude_sidecar.telemetry.bounds import NAME_CHARS, TEXT_CHARS, keep_bounded
from claude_sidecar.wire.credential import ALIAS_NONE
from claude_sidecar.wire.response_metadata import NO_USAGE, TokenUsage

_WITHOUT_TYPE = {Cause.TIMEOUT: "timeout", Cause.CONNECTION_FAILURE: "connection_error"}

_ATTEMPT_BOUNDS = (
    ("model", TEXT_CHARS),
    ("url", TEXT_CHARS),
    ("because", TEXT_CHARS),
    ("error_type", NAME_CHARS),
    ("request_id", NAME_CHARS),
    ("response_model", NAME_CHARS),
    ("response_id", NAME_CHARS),
    ("stop_reason", NAME_CHARS),
)


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One upstream attempt that has ended; a failed connect counts."""

    route: str
    """Name of the route that it was sent by."""

    provider: str
    """Whose API that route speaks, as `gen_ai.provider.name` has it."""

    model: str
    """The id that the route was asked for, empty where the body names none."""

    substitute: str | None = None
    """The other model, named by the policy, that was asked instead; None for the caller's own."""

    rule: str | None = None
    """The rule of the decision by which it was made."""

    because: str | None = None
    """What that rule says, with the call's own figures."""

    started_s: float
    """When it began, before a connection was had."""

    server_address: str
    """The endpoint's host."""

    server_port: int
    """The endpoint's port."""

    url: str
    """What was asked for, without its query."""

    ended_s: float = 0.0
    """When nothing more came, or nothing more was wanted."""

    first_byte_s: float | None = None
    """When its response's status line came."""

    status: int | None = None
    """Of its response, None if no status line came."""

    cause: Cause | None = None
    """Why it failed, None on success."""

    error_type: str | None = None
    """The provider's `error.type`, else `connection_error` or `timeout`; None on success."""

    limit: str | None = None
    """Which rate limit a 429 hit."""

    request_id: str | None = None
    """The upstream's own name for the request."""

    reused_connection_died: bool = False
    """Whether a pooled connection closed before any byte of a response."""

    retry_after_s: float | None = None
    """How long its response asked to be left alone, None where it did not say."""

    should_retry: bool | None = None
    """Its response's `x-should-retry`, None where it did not say."""

    cut_after_s: float | None = None
    """How long after the request's last byte a connection ended that had given no byte of a response."""

    cancelled: bool = False
    """Whether it was given up because the caller left, or the caller's body broke."""

    span_id: str | None = None
    """16 hex digits, set when it carried a `traceparent` of ours."""

    key: str = ALIAS_NONE
    """The alias of the credential that was sent: the route's own, else the caller's."""

    usage: TokenUsage = NO_USAGE
    """Tokens, as the response told them."""

    partial: bool = False
    """Whether the response was a stream that did not end whole, so that more was used than `usage` tells."""

    cost_usd: Decimal | None = None
    """What `usage` costs at the policy's prices, without what is `unpriced`; None where nothing is priced."""

    unpriced: tuple[str, ...] = ()
    """Kinds of usage that the policy's prices leave out: `input`, `output`, `cache_read` and the like. Empty
    where the policy has no prices."""

    response_model: str | None = None
    """The model that its response names."""

    response_id: str | None = None
    """The message's own id."""

    stop_reason: str | None = None
    """Why the model stopped."""

    def __post_init__(self) -> None:
        keep_bounded(self, _ATTEMPT_BOUNDS)

    @property
    def reported_error(self) -> str | None:
        """`error.type` as it is emitted; None where it went well, or was given up because the caller left."""
        if self.cancelled and self.cause is None:
            return None
        error = error_type_of(self.error_type, self.status)
        if error is None and self.cause is not None:
            return _WITHOUT_TYPE.get(self.cause, "_OTHER")
        return error


class OpenedBy(msgspec.Struct, frozen=True, omit_defaults=True):
    """The attempt whose held response opened a call."""

    route: str
    """The route that it was sent by."""

    attempt: int
    """Its number, counted from 1."""


class WaitRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A pause between attempts."""

    at_s: float
    """When it began."""

    seconds: float
    """How long it was in the end."""

    reason: str
    """`retry-after`, `backoff` or `budget`."""

    rule: str | None = None
    """The rule of the decision by which it was taken."""

    because: str | None = None
    """What that rule says, with the call's own figures."""


class FallbackRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A move to another route, or, by a named substitution, to another model."""

    at_s: float
    """When it was made."""

    from_route: str
    """The route that failed."""

    to_route: str
    """The route that was sent to next."""

    cause: Cause
    """Why the first failed."""


def error_type_of(error: str | None, status: int | None) -> str | None:
    """The provider's or ours; else the status as text; None where nothing failed.

    Proxies on the way answer 502 or 503 without the provider's envelope, and failed calls those are too.
    """
    if error is not None:
        return error
    return str(status) if status is not None and status >= 400 else None

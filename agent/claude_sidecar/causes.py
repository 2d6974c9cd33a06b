"""Why a send did not end well: one table, a row a cause. Every set and look-up is derived from its rows.

A cause is what policies name, what the decision reads, and what spans, metrics, log lines and headers show.
To add one, add a row; nothing else needs to know. The order of the rows is the order in which lists of causes
are shown and hashed, whatever order a policy writes.
What each status means to the API: docs/claude-api-notes.md, "Errors".

Imports nothing of ours, so that the schema of policies can take its values and descriptions from here.
"""

from dataclasses import dataclass
from enum import StrEnum


class Listing(StrEnum):
    """Whether a list in the policy may name a cause, and whether it does when the policy leaves it out."""

    NEVER = "never"
    POSSIBLE = "possible"
    DEFAULT = "default"


class SdkRetries(StrEnum):
    """What a delivered answer of a cause tells the caller's SDK by `x-should-retry`.

    LEFT: nothing of ours, the upstream's own word stands. STOPPED_WHEN_SPENT: `false` where this call's
    attempts are spent, or where `retry.causes` does not name the cause. STOPPED: always `false`.
    """

    LEFT = "left to it"
    STOPPED_WHEN_SPENT = "stopped once attempts are spent"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table.

    meaning: one sentence for who writes a policy. seen_as: how it shows on the wire, for the documents.
    statuses: of responses; other_statuses: the class (4 or 5) whose unnamed statuses belong here as well.
    error_types: `error.type` of an `error` event, which has no status. retry: for `retry.causes`; fallback:
    for `fallback.causes`. breaks: a circuit breaker counts it as a failure. own_credential: on a later route
    it speaks of our own credential there, not of the caller's request. forceable: `x-should-retry: true` of
    the upstream makes a repeat of it. sdk: what the caller's SDK is told; final_statuses: those which SDKs
    would repeat though nothing comes of it, so that they are told `false` whatever `sdk` says.
    """

    name: str
    meaning: str
    seen_as: str
    statuses: tuple[int, ...] = ()
    other_statuses: int | None = None
    error_types: tuple[str, ...] = ()
    retry: Listing = Listing.NEVER
    fallback: Listing = Listing.NEVER
    breaks: bool = False
    own_credential: bool = False
    forceable: bool = True
    sdk: SdkRetries = SdkRetries.LEFT
    final_statuses: tuple[int, ...] = ()


class Cause(StrEnum):
    """What kept an upstream send from being a success; `row` is the cause's row of the table."""

    row: Row

    def __new__(cls, row: Row) -> "Cause":
        """A member is its name; the row hangs on it."""
        cause = str.__new__(cls, row.name)
        cause._value_ = row.name
        cause.row = row
        return cause

    RATE_LIMIT = Row(
        name="RateLimit",
        meaning="The key's limit of requests or tokens per minute is used up, or traffic grew too fast.",
        seen_as="429",
        statuses=(429,),
        error_types=("rate_limit_error",),
        retry=Listing.DEFAULT,
        fallback=Listing.POSSIBLE,
        sdk=SdkRetries.STOPPED_WHEN_SPENT,
    )
    OVERLOADED = Row(
        name="Overloaded",
        meaning="The API has no capacity for the call now, whosever it is.",
        seen_as="529, or an `overloaded_error` event before the first delta",
        statuses=(529,),
        error_types=("overloaded_error",),
        retry=Listing.DEFAULT,
        fallback=Listing.DEFAULT,
        breaks=True,
        sdk=SdkRetries.STOPPED_WHEN_SPENT,
    )
    SERVER_ERROR = Row(
        name="ServerError",
        meaning="The API, or something on the way to it, failed.",
        seen_as="500, 502, 503, 504, 520 to 526 and every other 5xx",
        other_statuses=5,
        error_types=("api_error",),
        retry=Listing.DEFAULT,
        fallback=Listing.DEFAULT,
        breaks=True,
        sdk=SdkRetries.STOPPED_WHEN_SPENT,
    )
    CONNECTION_FAILURE = Row(
        name="ConnectionFailure",
        meaning="No whole answer came: DNS, connect or TLS failed, or the connection broke.",
        seen_as="DNS, connect, TLS, a reset before the answer, a stream or body cut before it is committed",
        retry=Listing.DEFAULT,
        fallback=Listing.DEFAULT,
        breaks=True,
        sdk=SdkRetries.STOPPED_WHEN_SPENT,
    )
    TIMEOUT = Row(
        name="Timeout",
        meaning="No answer came in time, by a time-out of the sidecar's or the upstream's own 408.",
        seen_as="408, or one of `timeouts` before the commit",
        statuses=(408,),
        error_types=("timeout_error",),
        retry=Listing.DEFAULT,
        fallback=Listing.DEFAULT,
        breaks=True,
        sdk=SdkRetries.STOPPED_WHEN_SPENT,
    )
    SPEND_LIMIT = Row(
        name="SpendLimit",
        meaning="Money or an entitlement is used up, which no waiting brings back.",
        seen_as="429 whose error code or message tells of a spend limit or a missing entitlement",
        fallback=Listing.POSSIBLE,
        own_credential=True,
        forceable=False,
        sdk=SdkRetries.STOPPED,
    )
    BILLING = Row(
        name="Billing",
        meaning="The account behind the key cannot pay.",
        seen_as="402",
        statuses=(402,),
        error_types=("billing_error",),
        fallback=Listing.POSSIBLE,
        own_credential=True,
        forceable=False,
    )
    AUTHENTICATION = Row(
        name="Authentication",
        meaning="The key is missing, wrong or revoked.",
        seen_as="401",
        statuses=(401,),
        error_types=("authentication_error",),
        fallback=Listing.POSSIBLE,
        own_credential=True,
        forceable=False,
    )
    PERMISSION = Row(
        name="Permission",
        meaning="The key may not do what is asked.",
        seen_as="403",
        statuses=(403,),
        error_types=("permission_error",),
        fallback=Listing.POSSIBLE,
        own_credential=True,
    )
    NOT_FOUND = Row(
        name="NotFound",
        meaning="The route does not have the model, path or object that is asked for.",
        seen_as="404, 501",
        statuses=(404, 501),
        error_types=("not_found_error",),
        fallback=Listing.POSSIBLE,
        own_credential=True,
        final_statuses=(501,),
    )
    CONFLICT = Row(
        name="Conflict",
        meaning="The object is in use or was changed by another request.",
        seen_as="409",
        statuses=(409,),
        error_types=("conflict_error",),
    )
    TOO_LARGE = Row(
        name="TooLarge",
        meaning="The request's body is larger than the API takes.",
        seen_as="413",
        statuses=(413,),
        error_types=("request_too_large",),
    )
    INVALID_REQUEST = Row(
        name="InvalidRequest",
        meaning="The request itself is wrong.",
        seen_as="400 and every other 4xx",
        other_statuses=4,
        error_types=("invalid_request_error",),
    )


RETRYABLE = frozenset(cause for cause in Cause if cause.row.retry is not Listing.NEVER)
"""What `retry.causes` may name."""

FALLBACK = frozenset(cause for cause in Cause if cause.row.fallback is not Listing.NEVER)
"""What `fallback.causes` may name."""

RETRY_BY_DEFAULT = tuple(cause for cause in Cause if cause.row.retry is Listing.DEFAULT)
"""`retry.causes` of a policy that has none."""

FALLBACK_BY_DEFAULT = tuple(cause for cause in Cause if cause.row.fallback is Listing.DEFAULT)
"""`fallback.causes` of a policy that has none."""

CAUSE_ORDER = tuple(cause for cause in Cause if cause in RETRYABLE | FALLBACK)
"""In which order lists of causes are shown and hashed; the order a policy writes has no meaning."""

BREAKING = frozenset(cause for cause in Cause if cause.row.breaks)
"""What a circuit breaker counts as a failure."""

OWN_CREDENTIAL = frozenset(cause for cause in Cause if cause.row.own_credential)
"""What, on a later route, speaks of our own credential there and not of the caller's request."""

NEVER_FORCED = frozenset(cause for cause in Cause if not cause.row.forceable)
"""What no `x-should-retry: true` makes a repeat of."""

BY_STATUS = {status: cause for cause in Cause for status in cause.row.statuses}
"""The cause of each status that has one to itself."""

BY_STATUS_CLASS = {cause.row.other_statuses: cause for cause in Cause if cause.row.other_statuses is not None}
"""The cause of all other statuses, by their first digit."""

BY_ERROR_TYPE = {error_type: cause for cause in Cause for error_type in cause.row.error_types}
"""The cause of an `error` event, by its `error.type`."""

"""Why a send did not end well: one enum for policy, spans, metrics and headers."""

from enum import StrEnum


class Cause(StrEnum):
    """What kept an upstream send from being a success."""

    INVALID_REQUEST = "InvalidRequest"
    AUTHENTICATION = "Authentication"
    BILLING = "Billing"
    PERMISSION = "Permission"
    NOT_FOUND = "NotFound"
    CONFLICT = "Conflict"
    TOO_LARGE = "TooLarge"
    RATE_LIMIT = "RateLimit"
    SPEND_LIMIT = "SpendLimit"
    SERVER_ERROR = "ServerError"
    OVERLOADED = "Overloaded"
    CONNECTION_FAILURE = "ConnectionFailure"
    TIMEOUT = "Timeout"


RETRYABLE = frozenset(
    {
        Cause.RATE_LIMIT,
        Cause.OVERLOADED,
        Cause.SERVER_ERROR,
        Cause.CONNECTION_FAILURE,
        Cause.TIMEOUT,
    }
)
"""What `retry.causes` may name."""

FALLBACK = RETRYABLE | {
    Cause.SPEND_LIMIT,
    Cause.BILLING,
    Cause.AUTHENTICATION,
    Cause.PERMISSION,
    Cause.NOT_FOUND,
}
"""What `fallback.causes` may name."""

BREAKING = frozenset({Cause.SERVER_ERROR, Cause.OVERLOADED, Cause.CONNECTION_FAILURE, Cause.TIMEOUT})
"""What a circuit breaker counts as a failure."""

OWN_CREDENTIAL = frozenset(
    {
        Cause.AUTHENTICATION,
        Cause.BILLING,
        Cause.PERMISSION,
        Cause.NOT_FOUND,
        Cause.SPEND_LIMIT,
    }
)
"""What, on a later route, speaks of our own credential there and not of the caller's request."""

NEVER_FORCED = frozenset({Cause.AUTHENTICATION, Cause.BILLING, Cause.SPEND_LIMIT})
"""What no `x-should-retry: true` makes a repeat of."""

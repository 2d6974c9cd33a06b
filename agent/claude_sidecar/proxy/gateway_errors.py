"""Errors that the sidecar makes itself: marked `gateway_`, in the Anthropic envelope."""

from dataclasses import dataclass
from enum import Enum

from claude_sidecar.causes import Cause
from claude_sidecar.policy.actions import GiveUp
from claude_sidecar.policy.reasons import StopReason


class GatewayError(Enum):
    """error.type, status, the cause in the header, and what `x-should-retry` says.

    True: nothing was sent, the caller may try again. False: no repeat cures it. None: nothing is said, or
    what became of the call's attempts decides.
    """

    UNREACHABLE = ("gateway_unreachable", 502, Cause.CONNECTION_FAILURE, None)
    TIMEOUT = ("gateway_timeout", 504, Cause.TIMEOUT, None)
    NO_ROUTE = ("gateway_no_route", 503, Cause.NOT_FOUND, False)
    CREDENTIAL_MISSING = ("gateway_credential_missing", 503, Cause.AUTHENTICATION, None)
    REQUEST_TOO_LARGE = ("gateway_request_too_large", 413, Cause.TOO_LARGE, False)
    BAD_REQUEST = ("gateway_bad_request", 400, Cause.INVALID_REQUEST, False)
    WEB_PAGE = ("gateway_bad_request", 403, Cause.PERMISSION, False)
    BUSY = ("gateway_busy", 529, Cause.OVERLOADED, True)
    DRAINING = ("gateway_draining", 503, Cause.SERVER_ERROR, True)
    BUG = ("gateway_bug", 500, Cause.SERVER_ERROR, False)

    def __init__(self, error_type: str, status: int, cause: Cause, should_retry: bool | None) -> None:
        self.error_type = error_type
        self.status = status
        self.cause = cause
        self.should_retry = should_retry


def error_of(step: GiveUp) -> GatewayError:
    """The error where no upstream gave a response."""
    if step.reason is StopReason.NO_ROUTE:
        return GatewayError.NO_ROUTE
    if step.reason is StopReason.CREDENTIAL_MISSING:
        return GatewayError.CREDENTIAL_MISSING
    return GatewayError.TIMEOUT if step.cause is Cause.TIMEOUT else GatewayError.UNREACHABLE


@dataclass(frozen=True, slots=True)
class Refusal:
    """A gateway error and what it says to the caller; stops: attempts are spent, so SDKs must stop."""

    error: GatewayError
    message: str
    closes: bool = False
    stops: bool = False

    @property
    def should_retry(self) -> bool | None:
        """What `x-should-retry` says, None where it is left out."""
        return False if self.stops else self.error.should_retry


class Refused(Exception):
    """Ends a call with a gateway error."""

    def __init__(
        self, error: GatewayError, message: str, *, closes: bool = False, stops: bool = False
    ) -> None:
        super().__init__(message)
        self.refusal = Refusal(error, message, closes, stops)


def too_large_words(size_bytes: int, limit_bytes: int) -> str:
    """For a body over the limit; size_bytes: as declared, or as far as it was read."""
    mib = 1 << 20
    return (
        f"the body has {size_bytes / mib:.1f} MiB or more; allowed are {limit_bytes / mib:.0f} MiB. "
        "Upload files with the Files API and name them by file_id"
    )


def no_room_words(why: str, waited_s: float) -> str:
    """For a body that could not be kept; why: what was lacking."""
    waited = f" for {waited_s:.1f} s" if waited_s else ""
    return (
        f"there was no room{waited} to keep the request's body: {why}. Send the call again, or give it room"
    )

"""Errors that the sidecar makes itself: marked `gateway_`, in the Anthropic envelope."""

from dataclasses import dataclass
from enum import Enum

from claude_sidecar.policy.cause import Cause


class OwnError(Enum):
    """error.type, status and the cause in the header; `again`: nothing was sent, the caller may try again."""

    UNREACHABLE = ("gateway_unreachable", 502, Cause.CONNECTION_FAILURE, False)
    TIMEOUT = ("gateway_timeout", 504, Cause.TIMEOUT, False)
    NO_ROUTE = ("gateway_no_route", 503, Cause.NOT_FOUND, False)
    CREDENTIAL_MISSING = ("gateway_credential_missing", 503, Cause.AUTHENTICATION, False)
    REQUEST_TOO_LARGE = ("gateway_request_too_large", 413, Cause.TOO_LARGE, False)
    BAD_REQUEST = ("gateway_bad_request", 400, Cause.INVALID_REQUEST, False)
    WEB_PAGE = ("gateway_bad_request", 403, Cause.PERMISSION, False)
    BUSY = ("gateway_busy", 529, Cause.OVERLOADED, True)
    DRAINING = ("gateway_draining", 503, Cause.SERVER_ERROR, True)
    BUG = ("gateway_bug", 500, Cause.SERVER_ERROR, False)

    def __init__(self, error_type: str, status: int, cause: Cause, again: bool) -> None:
        self.error_type = error_type
        self.status = status
        self.cause = cause
        self.again = again


@dataclass(frozen=True, slots=True)
class Refusal:
    """An own error with what it says to the caller."""

    error: OwnError
    message: str
    closes: bool = False


class Refused(Exception):
    """Ends a call with an own error."""

    def __init__(self, error: OwnError, message: str, *, closes: bool = False) -> None:
        super().__init__(message)
        self.refusal = Refusal(error, message, closes)

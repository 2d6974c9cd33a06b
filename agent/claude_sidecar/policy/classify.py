"""Status, `error.type` and code turned into a cause: the table of the design, decided once."""

from claude_sidecar.policy.cause import Cause
from claude_sidecar.policy.hopeless import is_hopeless

_BY_STATUS = {
    401: Cause.AUTHENTICATION,
    402: Cause.BILLING,
    403: Cause.PERMISSION,
    404: Cause.NOT_FOUND,
    408: Cause.TIMEOUT,
    409: Cause.CONFLICT,
    413: Cause.TOO_LARGE,
    429: Cause.RATE_LIMIT,
    501: Cause.NOT_FOUND,
    529: Cause.OVERLOADED,
}

_BY_ERROR_TYPE = {
    "invalid_request_error": Cause.INVALID_REQUEST,
    "authentication_error": Cause.AUTHENTICATION,
    "billing_error": Cause.BILLING,
    "permission_error": Cause.PERMISSION,
    "not_found_error": Cause.NOT_FOUND,
    "conflict_error": Cause.CONFLICT,
    "request_too_large": Cause.TOO_LARGE,
    "rate_limit_error": Cause.RATE_LIMIT,
    "timeout_error": Cause.TIMEOUT,
    "overloaded_error": Cause.OVERLOADED,
}


def cause_of_status(
    status: int, error_code: str | None = None, error_message: str | None = None
) -> Cause | None:
    """Cause of an answer by its status; None for 1xx, 2xx and 3xx.

    error_code: `error.details.error_code`, error_message: of the body; they tell a rate limit from what no
    waiting cures.
    """
    if status < 400:
        return None
    if status == 429 and is_hopeless(error_code, error_message):
        return Cause.SPEND_LIMIT
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    return Cause.SERVER_ERROR if status >= 500 else Cause.INVALID_REQUEST


def cause_of_error_event(
    error_type: str | None, error_code: str | None = None, error_message: str | None = None
) -> Cause:
    """Cause of an `error` event inside a stream, which has no status of its own.

    Types grow, so an unknown one counts as the server's error.
    """
    if error_type == "rate_limit_error" and is_hopeless(error_code, error_message):
        return Cause.SPEND_LIMIT
    return _BY_ERROR_TYPE.get(error_type or "", Cause.SERVER_ERROR)

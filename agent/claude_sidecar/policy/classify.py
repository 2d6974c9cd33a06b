"""Status, `error.type` and code turned into a cause, once for each response: by the table of causes."""

from claude_sidecar.causes import BY_ERROR_TYPE, BY_STATUS, BY_STATUS_CLASS, Cause
from claude_sidecar.policy.hopeless import is_hopeless


def cause_of_status(
    status: int, error_code: str | None = None, error_message: str | None = None
) -> Cause | None:
    """Cause of a response by its status; None for 1xx, 2xx and 3xx.

    error_code: `error.details.error_code`, error_message: of the body; they tell a rate limit from what no
    waiting cures.
    """
    if status < 400:
        return None
    cause = BY_STATUS.get(status) or BY_STATUS_CLASS[4 if status < 500 else 5]
    if cause is Cause.RATE_LIMIT and is_hopeless(error_code, error_message):
        return Cause.SPEND_LIMIT
    return cause


def cause_of_error_event(
    error_type: str | None, error_code: str | None = None, error_message: str | None = None
) -> Cause:
    """Cause of an `error` event inside a stream, which has no status of its own.

    Types grow, so an unknown one counts as the server's error.
    """
    cause = BY_ERROR_TYPE.get(error_type or "", Cause.SERVER_ERROR)
    if cause is Cause.RATE_LIMIT and is_hopeless(error_code, error_message):
        return Cause.SPEND_LIMIT
    return cause

"""Which ended calls are worth a trace, a log line: one reading of a record for all listeners."""

from claude_sidecar.telemetry.record import CallRecord


def error_type(error: str | None, status: int | None) -> str | None:
    """`error.type`: the provider's or ours; else the status as text; None where nothing failed.

    Proxies on the way answer 502 or 503 without the provider's envelope, and failed calls those are too.
    """
    if error is not None:
        return error
    return str(status) if status is not None and status >= 400 else None


def error_of(record: CallRecord) -> str | None:
    """`error.type` of a call as the caller got it; None where nothing failed, or the caller left before."""
    if caller_left(record):
        return None
    error = error_type(record.error_type, record.status)
    return "_OTHER" if error is None and record.failed else error


def caller_left(record: CallRecord) -> bool:
    """Whether the caller went away from a call that had not failed by then: no error of anybody's."""
    return record.cancelled and not record.told_of_failure


def went_wrong(record: CallRecord) -> bool:
    """Whether the caller got an error, or a stream that broke."""
    return record.failed and not caller_left(record)


def had_trouble(record: CallRecord) -> bool:
    """Whether the call failed, was retried, made to wait or rerouted."""
    return bool(len(record.attempts) > 1 or record.waits or record.fallbacks) or went_wrong(record)

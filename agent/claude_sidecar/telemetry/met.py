"""What a call met with on its way: failures and limits of its attempts, and how it ended."""

from collections.abc import Iterator

from claude_sidecar.causes import Cause
from claude_sidecar.telemetry.attempts import AttemptRecord
from claude_sidecar.telemetry.names import NONE
from claude_sidecar.telemetry.record import NO_ROUTE, CallRecord

LIMIT = "limit/"
"""Before the name of a rate limit; other failures of attempts are called by their cause."""
SPEND_LIMIT = LIMIT + "spend"
INTERRUPTED = "interrupted"
"""A response that broke after its head was sent."""
LEFT = "left"
"""A caller that went away."""
EXHAUSTED = "exhausted"
"""A failure in spite of repeats."""
REFUSED = "refused"
"""A failure for which the retry budget had no turn in time."""
BLIND_REPEAT = "blind-repeat/"
"""Before the kind of client that sent a call again although it had been told not to."""
WRONG_MODEL = "wrong-model"
"""A response of another model than the one meant; the detail is that model."""

ALL = "all"
"""The dimension in which all calls have this one name."""

Meeting = tuple[str, str, str]
"""What was met, a dimension, and the call's name in it."""


def met_in(record: CallRecord) -> dict[Meeting, bool]:
    """What the caller of a call, or one of its attempts, met with, each once however often it came, and
    whether the call failed of it: a 529 before a 403 is not why."""
    failed = record.has_failed
    ends = dict.fromkeys(_of_call(record), failed)
    broken = record.answered_by if _broke_off(record) else None
    for attempt in record.attempts:
        if attempt.cause is not None and attempt is not broken:
            is_end = failed and attempt.cause == record.response.cause
            ends |= dict.fromkeys(_of_attempt(record, attempt, attempt.cause), is_end)
    return ends


def _of_attempt(record: CallRecord, attempt: AttemptRecord, cause: Cause) -> Iterator[Meeting]:
    what = cause.value if attempt.limit is None else LIMIT + attempt.limit
    if cause is Cause.SPEND_LIMIT:
        what = SPEND_LIMIT
    yield from _in_each_dimension(record, what, attempt.key, attempt.route)


def _of_call(record: CallRecord) -> Iterator[Meeting]:
    response, client = record.response, record.request.blind_repeat
    whats = (
        INTERRUPTED if _broke_off(record) else None,
        LEFT if record.caller_left else None,
        {"exhausted": EXHAUSTED, "refused": REFUSED}.get(record.retry_outcome or ""),
        BLIND_REPEAT + client if client is not None else None,
        response.error_type if response.route == NO_ROUTE and not record.attempts else None,
    )
    for what in whats:
        if what is not None:
            yield from _in_each_dimension(record, what, record.key, response.route)


def _broke_off(record: CallRecord) -> bool:
    """Whether the response ended before its end. One that ends in an error event tells its cause itself."""
    response = record.response
    return response.interrupted and response.cause in (None, Cause.CONNECTION_FAILURE)


def _in_each_dimension(record: CallRecord, what: str, key: str, route: str) -> Iterator[Meeting]:
    yield what, ALL, ALL
    yield what, "key", key
    yield what, "route", route
    yield what, "model", record.request.model or NONE
    if record.request.feature:
        yield what, "feature", record.request.feature

"""Strings that strangers chose, cut to length and made printable before any listener keeps them."""

from claude_sidecar.telemetry.record import AttemptRecord, CallRecord

NAME_CHARS = 128
PATH_CHARS = 256
TEXT_CHARS = 512


def clean(text: str, limit: int) -> str:
    """The first `limit` characters, with `?` for each that is not printable (lone surrogates too)."""
    if len(text) > limit:
        text = text[:limit]
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text)


def _clean_or_none(text: str | None, limit: int) -> str | None:
    return text if text is None else clean(text, limit)


def trim(record: CallRecord) -> None:
    """Bound every string of an ended call in place, so that listeners may keep and emit it as it is."""
    record.method = clean(record.method, 32)
    record.path = clean(record.path, PATH_CHARS)
    record.model = _clean_or_none(record.model, NAME_CHARS)
    record.feature = clean(record.feature, NAME_CHARS)
    record.error_type = _clean_or_none(record.error_type, NAME_CHARS)
    record.request_id = _clean_or_none(record.request_id, NAME_CHARS)
    record.hint = _clean_or_none(record.hint, TEXT_CHARS)
    if record.tracestate is not None and len(record.tracestate) > TEXT_CHARS:
        # W3C Trace Context: a tracestate that is too long is dropped whole, never cut within an entry.
        record.tracestate = None
    for attempt in record.attempts:
        _trim_attempt(attempt)


def _trim_attempt(attempt: AttemptRecord) -> None:
    attempt.model = clean(attempt.model, NAME_CHARS)
    attempt.url = clean(attempt.url, TEXT_CHARS)
    attempt.error_type = _clean_or_none(attempt.error_type, NAME_CHARS)
    attempt.request_id = _clean_or_none(attempt.request_id, NAME_CHARS)
    attempt.response_model = _clean_or_none(attempt.response_model, NAME_CHARS)
    attempt.response_id = _clean_or_none(attempt.response_id, NAME_CHARS)
    attempt.stop_reason = _clean_or_none(attempt.stop_reason, NAME_CHARS)

"""A record is made once, within bounds, and every listener reads the same out of it."""

import msgspec
import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.telemetry.attempts import WaitRecord
from claude_sidecar.telemetry.record import NO_RESPONSE


def test_nothing_in_a_record_can_be_changed(make) -> None:
    record = make.call(waits=[WaitRecord(1000.0, 1.0, "backoff")])
    (attempt,) = record.attempts
    for part in (record, record.request, record.response, attempt, attempt.usage, record.waits[0]):
        for name in part.__struct_fields__:
            with pytest.raises(AttributeError):
                setattr(part, name, None)
    assert isinstance(record.fallbacks, tuple)


def test_a_part_made_of_another_is_bounded_too(make) -> None:
    response = msgspec.structs.replace(make.call().response, error_type="broken\n" + "x" * 1000)
    assert response.error_type == "broken?" + "x" * 121


@pytest.mark.parametrize(
    ("changes", "failed", "left", "error"),
    [
        ({}, False, False, None),
        ({"status": 404, "error_type": "not_found_error"}, True, False, "not_found_error"),
        ({"status": 502}, True, False, "502"),
        ({"interrupted": True}, True, False, "_OTHER"),
        ({"cause": Cause.OVERLOADED, "error_type": "overloaded_error"}, True, False, "overloaded_error"),
        ({"status": None}, True, False, "_OTHER"),
        ({"status": None, "cancelled": True}, False, True, None),
        ({"cancelled": True}, False, True, None),
        ({"status": 500, "cancelled": True}, True, False, "500"),
        ({"interrupted": True, "cancelled": True}, True, False, "_OTHER"),
    ],
)
def test_who_leaves_has_not_failed_unless_it_was_told_of_a_failure(
    make, changes, failed, left, error
) -> None:
    record = make.call(**changes)
    assert (record.has_failed, record.caller_left, record.error) == (failed, left, error)
    assert record.is_noteworthy is failed


def test_provider_and_model_are_of_the_attempt_that_gave_the_response(make) -> None:
    first = make.attempt(provider="anthropic", response_model="claude-opus-9")
    refused = make.refused(401, Cause.AUTHENTICATION, "authentication_error", provider="another")
    record = make.call(attempts=[first, refused])
    kept = msgspec.structs.replace(record, response=msgspec.structs.replace(record.response, attempt=1))
    assert (kept.provider, kept.wrong_model) == ("anthropic", "claude-opus-9")
    unanswered = msgspec.structs.replace(record, response=NO_RESPONSE)
    assert (unanswered.provider, unanswered.wrong_model) == ("another", None)

"""Errors of any form as an envelope in an event."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes.sse_reader import read_events

from claude_sidecar.wire.error_envelope import in_envelope, is_envelope
from claude_sidecar.wire.sse import comment_line, error_event

ENVELOPE = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"null",
        b'{"type":"error"}',
        b'{"type":"error","error":"text"}',
        b'{"type":"error","error":{"type":"x"}}',
        b'{"error":{"type":"x","message":"m"}}',
        b"\xff" + ENVELOPE,
        ENVELOPE[:-1] + b" " * 300_000 + b"}",
    ],
)
def test_other_bodies_are_no_envelope(body: bytes) -> None:
    assert is_envelope(ENVELOPE)
    assert not is_envelope(body)


@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (408, "timeout_error"),
        (424, "api_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "overloaded_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
        (599, "api_error"),
        (200, "api_error"),
    ],
)
def test_type_goes_by_the_status(status: int, error_type: str) -> None:
    assert json.loads(in_envelope(status, "R", b"x", None))["error"]["type"] == error_type


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message":"as said"}', "as said"),
        (b'{"error":{"message":"inner"}}', "inner"),
        (b"  plain text ", "plain text"),
        (b"y" * 1000, "y" * 300),
        (b"", "Bad Gateway"),
    ],
)
def test_message_is_the_providers_else_its_text_else_the_reason(body: bytes, message: str) -> None:
    made = json.loads(in_envelope(502, "Bad Gateway", body, "req_7"))
    assert (made["error"]["message"], made["request_id"]) == (message, "req_7")
    assert made["error"]["details"]["status"] == 502


def test_providers_body_goes_along_up_to_4096_bytes() -> None:
    made = json.loads(in_envelope(500, "", b"\xff" + b"z" * 10_000, None))
    assert made["error"]["details"]["upstream"] == "�" + "z" * 4095


@given(st.binary(max_size=300) | json_values.map(lambda value: json.dumps(value).encode()))
def test_every_body_becomes_an_envelope(body: bytes) -> None:
    assert is_envelope(in_envelope(500, "Error", body, None))


@given(st.text(min_size=1, max_size=200))
def test_reader_gets_the_data_of_an_error_event_back(text: str) -> None:
    (event,) = read_events(error_event(text.encode()))
    assert event.name == "error"
    assert event.data == text.replace("\r\n", "\n").replace("\r", "\n")


@given(st.text(max_size=80))
def test_comment_is_one_line_that_readers_pass_over(text: str) -> None:
    line = comment_line(text)
    assert line.startswith(b": ")
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert b"\r" not in line
    assert read_events(line + b"\n") == []

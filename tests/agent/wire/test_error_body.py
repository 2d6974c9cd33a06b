"""Error bodies: the API's envelope, other providers' shapes, and anything else without harm."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.wire.error_body import MAX_BYTES, ErrorBody, gateway_error, read_error

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "type", "message", "details", "request_id", "x"]), inner, max_size=4
        )
    ),
    max_leaves=15,
)


def test_the_envelope_is_read() -> None:
    body = (
        b'{"type":"error","error":{"type":"rate_limit_error","message":"slow down",'
        b'"details":{"error_code":"ramp_limit_exceeded","more":1}},"request_id":"req_011"}'
    )
    assert read_error(body) == ErrorBody("rate_limit_error", "slow down", "ramp_limit_exceeded", "req_011")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"type":"error","error":{"type":"api_error","message":"m","details":null}}',
            ErrorBody("api_error", "m", None, None),
        ),
        (
            b'{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED"}}',
            ErrorBody("RESOURCE_EXHAUSTED", "quota", None, None),
        ),
        (
            b'[{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}]',
            ErrorBody("UNAVAILABLE", "m", None, None),
        ),
        (b'{"message":"Too many tokens"}', ErrorBody(None, "Too many tokens", None, None)),
        (
            b'{"__type":"com.amazon#ThrottlingException","Message":"m"}',
            ErrorBody("ThrottlingException", "m", None, None),
        ),
        (b'{"__type":"ThrottlingException"}', ErrorBody("ThrottlingException", None, None, None)),
        (b'{"type":"https://x","title":"Timed out","status":522}', ErrorBody(None, "Timed out", None, None)),
        (b'{"error":"forbidden"}', ErrorBody(None, "forbidden", None, None)),
        (b' \n{"error":{"type":"a","message":"b"}}', ErrorBody("a", "b", None, None)),
        (b"<html><h1>502 Bad Gateway</h1></html>", None),
        (b"upstream connect error or disconnect/reset before headers", None),
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b"[1]", None),
        (b'{"type":"message","content":[]}', None),
        (b'{"error":{"type":"a","message":"\xff"}}', None),
        (b"[" * 100_000, None),
        (b'{"error":{"type":"a"}}' + b" " * MAX_BYTES, None),
        (b"\x1f\x8b\x08\x00garbage", None),
    ],
)
def test_other_shapes_are_read_as_far_as_they_go(body: bytes, expected: ErrorBody | None) -> None:
    assert read_error(body) == expected


def test_a_type_that_is_no_short_word_is_dropped() -> None:
    body = json.dumps({"error": {"type": "a b", "message": "m"}, "request_id": "x" * 200}).encode()
    assert read_error(body) == ErrorBody(None, "m", None, None)


def test_a_long_message_is_cut() -> None:
    found = read_error(json.dumps({"error": {"type": "a", "message": "m" * 5_000}}).encode())
    assert found is not None
    assert found.message == "m" * 1_000


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_raising(body: bytes) -> None:
    read_error(body)
    read_error(b"{" + body)


@given(JSON)
def test_any_json_is_read_without_raising(document: object) -> None:
    read_error(json.dumps(document).encode())


def test_an_own_error_has_the_envelope() -> None:
    assert gateway_error("gateway_busy", 'too many "calls"', "sc_1") == (
        b'{"type":"error","error":{"type":"gateway_busy","message":"too many \\"calls\\""},'
        b'"request_id":"sc_1"}'
    )


def test_an_own_error_that_looks_like_the_providers_is_refused() -> None:
    with pytest.raises(ValueError, match="gateway_"):
        gateway_error("overloaded_error", "m", "sc_1")


@given(st.text(max_size=50))
def test_an_own_error_reads_back(message: str) -> None:
    found = read_error(gateway_error("gateway_bug", message, "sc_2"))
    assert found == ErrorBody("gateway_bug", message or None, None, "sc_2")

"""Usage, model, id and stop reason: from JSON, from a stream's telling events, from no garbage."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.wire.response_metadata import ResponseMetadata, TokenUsage

COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def event(kind: str, body: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(body)}\n\n".encode()


def started(**usage: Any) -> bytes:
    message = {"id": "msg_1", "model": "claude-x", "stop_reason": None, "usage": usage}
    return event("message_start", {"type": "message_start", "message": message})


def changed(stop: str | None = None, **usage: Any) -> bytes:
    body = {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage}
    return event("message_delta", body)


def test_a_json_answer_tells_all() -> None:
    facts = ResponseMetadata()
    usage = dict(zip(COUNTS, (3, 5, 7, 11), strict=True))
    facts.read_body(
        json.dumps({"id": "msg_1", "model": "m", "stop_reason": "end_turn", "usage": usage}).encode()
    )
    assert facts == ResponseMetadata(TokenUsage(3, 5, 7, 11), "m", "msg_1", "end_turn")
    assert facts.usage.total_input() == 21


def test_a_streams_counts_are_cumulative_and_the_last_holds() -> None:
    facts = ResponseMetadata()
    facts.read_event(b"message_start", started(input_tokens=10, output_tokens=1, cache_read_input_tokens=4))
    facts.read_event(b"message_delta", changed(output_tokens=20))
    facts.read_event(b"message_delta", changed("end_turn", output_tokens=33, input_tokens=12))
    facts.read_event(b"message_delta", changed())
    assert facts.usage == TokenUsage(12, 33, 4, None)
    assert (facts.model, facts.message_id, facts.stop_reason) == ("claude-x", "msg_1", "end_turn")


def test_the_split_of_cache_writes_thinking_and_server_tools_are_read() -> None:
    split = {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 12}
    facts = ResponseMetadata()
    facts.read_event(
        b"message_start",
        started(input_tokens=5, cache_creation_input_tokens=42, cache_creation=split, output_tokens=1),
    )
    facts.read_event(
        b"message_delta",
        changed(
            output_tokens=90,
            cache_creation_input_tokens=50,
            output_tokens_details={"thinking_tokens": 60},
            server_tool_use={"web_search_requests": 2, "web_fetch_requests": 1},
        ),
    )
    assert facts.usage == TokenUsage(5, 90, None, 50, 12, 60, 2, 1)
    facts.read_event(b"message_delta", changed("end_turn", cache_creation={"ephemeral_1h_input_tokens": 20}))
    assert facts.usage.cache_creation_1h_input_tokens == 20


def test_iterations_that_no_count_has_in_it_are_told_apart() -> None:
    iterations = [
        {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3500},
        {"type": "message", "input_tokens": 23_000, "output_tokens": 1000},
        {
            "type": "advisor_message",
            "model": "claude-opus-5",
            "input_tokens": 7,
            "cache_read_input_tokens": 2,
        },
        {"type": "fallback_message", "model": "claude-opus-5", "input_tokens": 9},
        "of another form",
    ]
    facts = ResponseMetadata()
    facts.read_event(b"message_start", started(input_tokens=23_000, output_tokens=1))
    facts.read_event(b"message_delta", changed(output_tokens=1000, iterations=iterations))
    facts.read_event(b"message_delta", changed("end_turn"))
    assert facts.usage == TokenUsage(23_000, 1000, apart_tokens=183_509)


@pytest.mark.parametrize("said", [7, "7", None, [7], {"ephemeral_1h_input_tokens": "7"}, {"other": 7}])
def test_parts_of_another_form_leave_the_rest_as_it_is(said: Any) -> None:
    facts = ResponseMetadata()
    facts.read_event(
        b"message_start",
        started(input_tokens=5, cache_creation=said, server_tool_use=said, output_tokens_details=said),
    )
    assert facts.usage == TokenUsage(input_tokens=5)


@pytest.mark.parametrize(("count", "read"), [(10**12, True), (10**12 + 1, False), (2**70, False)])
def test_a_count_that_no_response_can_have_is_none(count: int, read: bool) -> None:
    facts = ResponseMetadata()
    facts.read_event(b"message_start", started(input_tokens=count))
    assert facts.usage.input_tokens == (count if read else None)


def test_other_events_tell_nothing() -> None:
    facts = ResponseMetadata()
    facts.read_event(b"content_block_delta", started(input_tokens=1))
    facts.read_event(b"message_stop", changed("end_turn"))
    assert facts == ResponseMetadata()


@pytest.mark.parametrize("said", [-1, True, "5", None, 2.5, [], {}])
def test_a_count_that_is_none_changes_nothing(said: Any) -> None:
    facts = ResponseMetadata(TokenUsage(output_tokens=9))
    facts.read_event(b"message_delta", changed(output_tokens=said))
    assert facts.usage.output_tokens == 9


def test_a_count_of_zero_is_a_count() -> None:
    facts = ResponseMetadata()
    facts.read_event(b"message_delta", changed(output_tokens=0))
    assert facts.usage.output_tokens == 0


@pytest.mark.parametrize(("size", "read"), [(256, True), (257, False)])
def test_a_text_too_long_for_a_name_is_not_kept(size: int, read: bool) -> None:
    facts = ResponseMetadata()
    facts.read_body(json.dumps({"model": "m" * size}).encode())
    assert facts.model == ("m" * size if read else None)


def test_whole_input_is_unknown_without_its_first_part() -> None:
    assert TokenUsage(cache_read_input_tokens=5).total_input() is None
    assert TokenUsage(input_tokens=0).total_input() == 0


JUNK = st.binary(max_size=60) | st.sampled_from(
    [
        b"[" * 100_000,
        b"{}",
        b'{"message":null}',
        b'{"usage":null}',
        b'{"message":{"usage":[]}}',
        b'{"model":1e999}',
    ]
)


@given(st.lists(st.tuples(st.sampled_from([b"message_start", b"message_delta"]), JUNK), max_size=4))
def test_no_bytes_make_it_raise(events: list[tuple[bytes, bytes]]) -> None:
    facts = ResponseMetadata()
    for kind, data in events:
        facts.read_event(kind, b"data: " + data + b"\n\n")
        facts.read_event(kind, data)
        facts.read_body(data)
    assert facts.usage == TokenUsage()

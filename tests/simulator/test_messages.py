"""What `/v1/messages` and its neighbours answer when nothing is wrong, and what they refuse."""

import asyncio
import gzip
import json

import pytest

SYSTEM = [{"type": "text", "text": "law " * 100, "cache_control": {"type": "ephemeral"}}]
TOOL = {
    "name": "weather",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}},
        "required": ["city", "days", "unit"],
    },
}


async def test_message_has_every_field_that_sdk_accumulators_need(started):
    async with started() as bench:
        answer = await bench.message()
    message = answer.json()
    assert answer.status == 200
    assert message["type"] == "message"
    assert message["role"] == "assistant"
    assert message["id"].startswith("msg_")
    assert message["model"] == "claude-opus-4-8"
    assert message["stop_reason"] == "end_turn"
    assert message["usage"]["output_tokens"] == len(message["content"][0]["text"].split())
    assert {"stop_sequence", "stop_details"} <= message.keys()


async def test_head_looks_like_that_of_the_real_api(started):
    async with started() as bench:
        answer = await bench.message()
    assert answer.header("request-id").startswith("req_")
    assert len(answer.header("anthropic-organization-id")) == 36
    assert answer.header("server") == "cloudflare"
    assert answer.header("cf-ray").endswith("-FRA")
    for family in ("requests", "tokens", "input-tokens", "output-tokens"):
        for part in ("limit", "remaining", "reset"):
            assert answer.header(f"anthropic-ratelimit-{family}-{part}") is not None


async def test_stream_has_the_events_in_their_order_and_adds_up_to_the_json_answer(started):
    async with started() as bench:
        whole = await bench.message("output-tokens=10; tokens-per-event=4")
        stream = await bench.message("output-tokens=10; tokens-per-event=4", stream=True)
    assert stream.header("content-type") == "text/event-stream; charset=utf-8"
    assert stream.names() == [
        "message_start",
        "content_block_start",
        "ping",
        *["content_block_delta"] * 3,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    start, *_, delta, _ = (data for _, data in stream.events())
    assert start["message"]["content"] == []
    assert start["message"]["stop_reason"] is None
    assert start["message"]["usage"]["output_tokens"] == 1
    assert delta["usage"]["output_tokens"] == 10
    assert delta["delta"]["stop_reason"] == "end_turn"
    assert whole.json()["usage"]["output_tokens"] == 10


async def test_thinking_comes_first_with_its_signature(started):
    async with started() as bench:
        answer = await bench.message("output-tokens=30", stream=True, thinking={"type": "adaptive"})
    kinds = [data["delta"]["type"] for name, data in answer.events() if name == "content_block_delta"]
    assert kinds[0] == "thinking_delta"
    assert kinds.index("signature_delta") < kinds.index("text_delta")
    usage = answer.events()[-2][1]["usage"]
    assert usage["output_tokens_details"] == {"thinking_tokens": 10}


async def test_tool_is_called_with_input_that_fits_its_schema_and_the_turn_ends_after_the_result(started):
    async with started() as bench:
        called = (await bench.message(tools=[TOOL])).json()
        use = called["content"][-1]
        result = {"type": "tool_result", "tool_use_id": use["id"], "content": "sun"}
        turns = [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": called["content"]},
            {"role": "user", "content": [result]},
        ]
        ended = (await bench.message(tools=[TOOL], messages=turns)).json()
        streamed = await bench.message(tools=[TOOL], stream=True)
    assert called["stop_reason"] == "tool_use"
    assert use["input"] == {"city": "example", "days": 1, "unit": "C"}
    assert ended["stop_reason"] == "end_turn"
    parts = [d["delta"] for n, d in streamed.events() if n == "content_block_delta"]
    text = "".join(part.get("partial_json", "") for part in parts)
    assert json.loads(text) == use["input"]


async def test_answer_stops_at_max_tokens(started):
    async with started() as bench:
        message = (await bench.message(max_tokens=5)).json()
    assert message["stop_reason"] == "max_tokens"
    assert message["usage"]["output_tokens"] == 5


async def test_same_body_and_seed_give_the_same_bytes_and_another_seed_does_not(started):
    async with started(seed=1) as one, started(seed=1) as same, started(seed=2) as other:
        await one.ask("GET", "/v1/models")
        answers = [await bench.message(stream=True) for bench in (one, same, other)]
    assert answers[0].body == answers[1].body
    assert answers[0].body != answers[2].body


@pytest.mark.looptime
async def test_cached_prefix_is_created_then_read_then_forgotten(started):
    async with started() as bench:
        first = (await bench.message(system=SYSTEM)).json()["usage"]
        second = (await bench.message(system=SYSTEM)).json()["usage"]
        await asyncio.sleep(301)
        third = (await bench.message(system=SYSTEM)).json()["usage"]
    assert first["cache_creation_input_tokens"] == 100
    assert first["cache_read_input_tokens"] == 0
    assert second["cache_read_input_tokens"] == 100
    assert second["cache_creation_input_tokens"] == 0
    assert first["input_tokens"] == second["input_tokens"] == 5
    assert third == first


async def test_counting_agrees_with_usage(started):
    body = {"model": "claude-opus-4-8", "messages": [{"role": "user", "content": "How are you today?"}]}
    async with started() as bench:
        counted = await bench.ask("POST", "/v1/messages/count_tokens", body)
        answered = await bench.message(messages=body["messages"])
    assert counted.json() == {"input_tokens": answered.json()["usage"]["input_tokens"]}


async def test_alias_is_answered_with_the_dated_model(started):
    async with started() as bench:
        answer = await bench.message(model="claude-haiku-4-5")
    assert answer.json()["model"] == "claude-haiku-4-5-20251001"


async def test_models_are_listed_in_pages(started):
    async with started() as bench:
        first = (await bench.ask("GET", "/v1/models?limit=3")).json()
        rest = (await bench.ask("GET", f"/v1/models?limit=1000&after_id={first['last_id']}")).json()
        back = (await bench.ask("GET", f"/v1/models?limit=1000&before_id={rest['first_id']}")).json()
        one = await bench.ask("GET", "/v1/models/claude-haiku-4-5")
        none = await bench.ask("GET", "/v1/models/claude-opus-4.7")
    assert first["has_more"] is True
    assert rest["has_more"] is False
    assert back["data"] == first["data"]
    assert one.json()["id"] == "claude-haiku-4-5-20251001"
    assert none.status == 404
    assert none.json()["error"]["message"] == "model: claude-opus-4.7"


async def test_legacy_completion_is_answered_whole_and_streamed(started):
    body = {"model": "claude-opus-4-8", "prompt": "\n\nHuman: Hi\n\nAssistant:", "max_tokens_to_sample": 50}
    async with started() as bench:
        whole = await bench.ask("POST", "/v1/complete", body)
        stream = await bench.ask("POST", "/v1/complete", {**body, "stream": True})
    assert whole.json()["type"] == "completion"
    assert set(stream.names()) == {"completion"}
    assert stream.events()[-1][1]["stop_reason"] is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_tokens": None}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"max_tokens": 10**7}, "max_tokens: 10000000 > 128000, which is the maximum"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages.0.role: use the top-level system"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        ({"model": 4}, "model: Input should be a valid string"),
    ],
)
async def test_body_that_the_api_refuses_is_refused_with_its_words(started, change, message):
    async with started() as bench:
        answer = await bench.message(**change)
    error = answer.json()
    assert answer.status == 400
    assert error["error"]["type"] == "invalid_request_error"
    assert error["error"]["message"].startswith(message)
    assert error["request_id"] == answer.header("request-id")


@pytest.mark.parametrize("missing", ["max_tokens", "messages", "model"])
async def test_missing_field_is_named(started, missing):
    body = {"model": "claude-opus-4-8", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    del body[missing]
    async with started() as bench:
        answer = await bench.ask("POST", "/v1/messages", body)
    assert answer.json()["error"]["message"] == f"{missing}: Field required"


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'"text"'])
async def test_body_that_is_no_json_object_is_refused(started, body):
    async with started() as bench:
        answer = await bench.ask("POST", "/v1/messages", body)
    assert answer.status == 400


async def test_version_header_is_compulsory_and_both_versions_are_known(started):
    async with started() as bench:
        missing = await bench.message(_lines=[("anthropic-version", "")])
        wrong = await bench.message(_lines=[("anthropic-version", "2024-01-01")])
        new = await bench.message(_lines=[("anthropic-version", "2026-10-21")])
        strict = await bench.message(_lines=[("anthropic-version", "2026-10-21")], temperature=1)
        lenient = await bench.message(temperature=1)
    statuses = [a.status for a in (missing, wrong, new, strict, lenient)]
    assert statuses == [400, 400, 200, 400, 200]
    assert "anthropic-version" in missing.json()["error"]["message"]


async def test_beta_name_without_a_date_is_refused(started):
    async with started() as bench:
        wrong = await bench.message(_lines=[("anthropic-beta", "a-2025-01-01, nonsense")])
        right = await bench.message(
            _lines=[("anthropic-beta", "a-2025-01-01"), ("anthropic-beta", "b-2025-01-01, c-20250101")]
        )
    assert wrong.status == 400
    assert "`nonsense` for the `anthropic-beta` header" in wrong.json()["error"]["message"]
    assert right.status == 200


async def test_gzip_request_is_read_and_other_codings_are_refused(started):
    body = {"model": "claude-opus-4-8", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    packed = gzip.compress(json.dumps(body).encode())
    async with started() as bench:
        good = await bench.ask("POST", "/v1/messages", packed, lines=[("content-encoding", "gzip")])
        broken = await bench.ask("POST", "/v1/messages", packed[:-9], lines=[("content-encoding", "gzip")])
        other = await bench.ask("POST", "/v1/messages", packed, lines=[("content-encoding", "br")])
    assert good.status == 200
    assert broken.json()["error"]["details"] == {"error_code": "request_body_encoding_invalid"}
    assert other.json()["error"]["details"] == {"error_code": "request_body_encoding_unsupported"}


async def test_oversize_body_is_refused_from_its_declared_length_alone(started):
    async with started() as bench, bench.connection() as connection:
        await connection.send("POST", "/v1/messages", [("content-length", str(34 * 1024 * 1024))])
        answer = await connection.receive()
    assert answer.status == 413
    assert answer.json()["error"]["type"] == "request_too_large"
    assert answer.header("connection") == "close"


async def test_oversize_chunked_body_is_refused_while_it_comes(started):
    async with started() as bench, bench.connection() as connection:
        await connection.send("POST", "/v1/messages", [("transfer-encoding", "chunked")])
        for _ in range(33):
            connection.writer.write(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
        answer = await connection.receive()
    assert answer.status == 413


async def test_unknown_path_and_wrong_method_get_the_envelope(started):
    async with started() as bench:
        path = await bench.ask("GET", "/v1/nothing")
        method = await bench.ask("DELETE", "/v1/messages")
    assert path.status == 404
    assert path.json()["error"]["type"] == "not_found_error"
    assert method.status == 405


async def test_hello_needs_no_key_and_head_has_no_body(started):
    async with started() as bench, bench.connection() as connection:
        for _ in range(2):
            await connection.send("HEAD", "/api/hello", [])
            assert (await connection.receive(bodiless=True)).status == 200


async def test_caller_that_expects_100_continue_is_told_to_go_on(started):
    async with started() as bench, bench.connection() as connection:
        lines = [("expect", "100-continue"), ("content-length", "2"), ("x-api-key", "sk-ant-api03-x")]
        await connection.send("POST", "/v1/messages", lines)
        assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.writer.write(b"{}")
        assert (await connection.receive()).status == 400

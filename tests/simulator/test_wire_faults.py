"""Answers that differ from what the endpoint would say: heads, bodies, framing, and no answer at all."""

import asyncio
import base64
import gzip

import pytest


@pytest.mark.parametrize(
    ("status", "error_type"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (409, "conflict_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
async def test_status_alone_gives_the_usual_error(started, status, error_type):
    async with started() as bench:
        answer = await bench.message(str(status))
        [entry] = bench.calls()
    assert answer.status == entry.status == status
    assert answer.json()["error"]["type"] == entry.error_type == error_type
    assert answer.json()["request_id"] == answer.header("request-id") == entry.request_id
    assert (answer.header("retry-after") is not None) is (status == 429)


async def test_retry_after_is_absent_for_spend_limits_and_where_none_is_asked_for(started):
    async with started() as bench:
        spend = await bench.message("429; error-code=enforced_spend_limit_reached")
        none = await bench.message("429; retry-after=none")
        long = await bench.message("429; retry-after=403973")
    assert spend.header("retry-after") is None
    assert spend.json()["error"]["details"] == {"error_code": "enforced_spend_limit_reached"}
    assert none.header("retry-after") is None
    assert long.header("retry-after") == "403973"


async def test_header_lines_keep_case_order_and_repeats_and_replace_ours(started):
    scenario = """
rules:
  - status: 500
    reason: Very Wrong
    headers: [[X-oDD-Case, "1"], [set-it, a], [set-it, b], [request-id, req_mine], [server, other]]
"""
    async with started(scenario) as bench:
        answer = await bench.message()
    assert answer.reason == "Very Wrong"
    assert answer.lines[-5:] == [
        ("X-oDD-Case", "1"),
        ("set-it", "a"),
        ("set-it", "b"),
        ("request-id", "req_mine"),
        ("server", "other"),
    ]
    assert answer.json()["request_id"] == "req_mine"
    assert [name for name, _ in answer.lines].count("Server") == 0


async def test_only_headers_leaves_nothing_of_ours_but_the_framing(started):
    scenario = "rules: [{status: 418, body: tea, only_headers: true, headers: {a: 1}}]"
    async with started(scenario) as bench:
        answer = await bench.message()
    assert answer.lines == [("Content-Length", "3"), ("a", "1")]
    assert answer.body == b"tea"


async def test_body_is_given_as_text_or_base64_byte_by_byte(started):
    packed = gzip.compress(b'{"type":"error"}', mtime=0)
    scenario = f"""
rules:
  - {{match: {{call: 1}}, status: 529, body: "\\xe9 not JSON"}}
  - match: {{call: 2}}
    status: 503
    body_base64: {base64.b64encode(packed).decode()}
    headers: {{content-encoding: gzip, content-type: text/plain}}
"""
    async with started(scenario) as bench:
        text, binary = await bench.message(), await bench.message()
    assert text.body == "\xe9 not JSON".encode()
    assert binary.status == 503
    assert binary.body == packed
    assert binary.header("content-type") == "text/plain"


async def test_html_stands_for_the_page_of_the_edge(started):
    async with started() as bench:
        page = await bench.message("html")
        other = await bench.message("html; status=520; reason=Unknown")
    assert page.status == 502
    assert page.header("content-type") == "text/html; charset=UTF-8"
    assert b"<h1>502 Bad Gateway</h1>" in page.body
    assert other.status == 520


async def test_no_content_has_no_body_and_no_length(started):
    async with started() as bench:
        answer = await bench.message("204")
    assert answer.status == 204
    assert answer.header("content-length") is None


@pytest.mark.parametrize(("fault", "end"), [("reset", "reset"), ("close", "eof")])
async def test_connection_ends_without_an_answer(started, fault, end):
    async with started() as bench:
        answer = await bench.message(fault)
        [entry] = bench.calls()
    assert (answer.status, answer.end) == (0, end)
    assert entry.status is None
    assert entry.ended == "cut"
    assert entry.request_bytes > 0


@pytest.mark.parametrize(("mode", "end"), [("cut", "eof"), ("reset", "reset")])
async def test_json_body_is_cut_at_a_byte_and_reports_no_usage(started, mode, end):
    async with started() as bench:
        answer = await bench.message(f"truncate-body-at=50; mode={mode}")
        [entry] = bench.calls()
    assert answer.end == end
    assert len(answer.body) == 50
    assert entry.reported_usage is None


async def test_wrong_length_promises_more_or_less_than_comes(started):
    async with started() as bench:
        right = await bench.message()
        more = await bench.message("wrong-length=10")
        less = await bench.message("wrong-length=-10")
    assert more.end == "eof"
    assert more.body == right.body
    assert less.body == right.body[:-10]


async def raw_answer(bench, spec, most=200_000):
    async with bench.connection() as connection:
        await connection.send("POST", "/v1/messages", [("x-simulate", spec)], b"{}")
        data = b""
        while len(data) < most and (piece := await connection.reader.read(65536)):
            data += piece
        return data


async def test_garbage_is_not_http(started):
    async with started() as bench:
        assert (await raw_answer(bench, "garbage")).startswith(b"\x16\x03\x01")
        assert await raw_answer(bench, "garbage=SSH-2.0-x") == b"SSH-2.0-x"


@pytest.mark.looptime
@pytest.mark.parametrize("fault", ["endless-headers", "endless-body"])
async def test_endless_answer_goes_on_until_the_caller_leaves(started, fault):
    async with started() as bench:
        data = await raw_answer(bench, fault)
        assert len(data) >= 200_000
        assert (b"\r\n\r\n" in data) is (fault == "endless-body")
        await asyncio.sleep(0.1)
        assert bench.calls()[0].ended == "caller_left"


async def test_early_answer_does_not_wait_for_the_body(started):
    scenario = "rules: [{match: {path: /v1/messages}, early: true, status: 503}]"
    async with started(scenario) as bench, bench.connection() as connection:
        await connection.send("POST", "/v1/messages", [("content-length", "1000000")])
        answer = await connection.receive()
    assert answer.status == 503
    assert answer.header("connection") == "close"
    assert bench.calls()[0].request_bytes == 0


@pytest.mark.looptime
async def test_delay_passes_before_the_head(started):
    loop = asyncio.get_running_loop()
    async with started() as bench:
        began = loop.time()
        answer = await bench.message("529; delay=30")
        assert loop.time() - began == pytest.approx(30, abs=0.5)
    assert answer.status == 529


async def test_answer_is_shaped_without_being_replaced(started):
    async with started() as bench:
        shape = "answer-model=claude-other-1; stop-reason=refusal; text=No, thank you.; output-tokens=3"
        answer = await bench.message(f"{shape}; header.x-a=1")
    message = answer.json()
    assert message["model"] == "claude-other-1"
    assert message["stop_reason"] == "refusal"
    assert message["content"] == [{"type": "text", "text": "No, thank you."}]
    assert answer.header("x-a") == "1"

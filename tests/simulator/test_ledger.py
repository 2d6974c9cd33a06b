"""What the ledger holds of each call, and that it holds no secret and no content."""

import hashlib
import json

import pytest

SECRET = "sk-ant-api03-s3cret"


async def test_call_is_written_down_with_what_was_asked_and_served(started):
    async with started("record_headers: [traceparent]") as bench:
        lines = [("X-Stainless-Retry-Count", "1"), ("TraceParent", "00-1-2-01")]
        answer = await bench.message(_lines=lines)
        body = json.dumps(
            {"model": "claude-opus-4-8", "max_tokens": 1000, "messages": [{"role": "user", "content": "Hi"}]}
        )
        [call] = (await bench.ask("GET", "/_simulator/ledger")).json()["calls"]
    usage = answer.json()["usage"]
    assert call["n"] == 1
    assert (call["method"], call["path"], call["status"]) == ("POST", "/v1/messages", 200)
    assert call["model"] == "claude-opus-4-8"
    assert call["retry_count"] == "1"
    assert call["request_bytes"] == len(body)
    assert call["request_sha256"] == hashlib.sha256(body.encode()).hexdigest()
    assert call["response_bytes"] > len(answer.body)
    assert call["reported_usage"]["input_tokens"] == usage["input_tokens"]
    assert call["reported_usage"]["output_tokens"] == usage["output_tokens"]
    assert call["header_names"][:3] == ["host", "X-Stainless-Retry-Count", "TraceParent"]
    assert call["headers"] == [["TraceParent", "00-1-2-01"]]


WEB = [
    {"type": "web_search_20260209", "name": "web_search"},
    {"type": "web_fetch_20260209", "name": "web_fetch"},
]
HOUR = [{"type": "text", "text": "A long story. " * 40, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]


@pytest.mark.parametrize("stream", [False, True])
async def test_usage_is_written_down_in_all_its_parts(started, stream):
    asked = {
        "tools": WEB,
        "system": HOUR,
        "thinking": {"type": "enabled", "budget_tokens": 20},
        "stream": stream,
    }
    async with started() as bench:
        answer = await bench.message(**asked)
        ledger = (await bench.ask("GET", "/_simulator/ledger")).json()
    told = [data for _, data in answer.events()] if stream else [answer.json()]
    start, end = (told[0]["message"]["usage"], told[-2]["usage"]) if stream else (told[0]["usage"],) * 2
    reported = ledger["calls"][0]["reported_usage"]
    assert end["server_tool_use"] == {"web_search_requests": 1, "web_fetch_requests": 1}
    assert reported == {
        "input_tokens": end["input_tokens"],
        "output_tokens": end["output_tokens"],
        "cache_creation_input_tokens": start["cache_creation_input_tokens"],
        "cache_read_input_tokens": 0,
        "cache_creation_1h_input_tokens": start["cache_creation"]["ephemeral_1h_input_tokens"],
        "thinking_tokens": end["output_tokens_details"]["thinking_tokens"],
        "web_search_requests": 1,
        "web_fetch_requests": 1,
    }
    assert reported["cache_creation_1h_input_tokens"] > 100
    assert end["input_tokens"] - start["input_tokens"] == (600 if stream else 0)
    assert ledger["totals"].items() >= reported.items()


async def test_totals_are_by_key_and_model_and_outlive_the_entries(started):
    keys = "keys: [{name: first, key: sk-ant-api03-first}]\nledger_size: 2\n"
    async with started(keys) as bench:
        for spec in (None, "529", "output-tokens=7"):
            await bench.message(spec)
        await bench.message("close", _key="sk-ant-api03-other", model="claude-haiku-4-5")
        ledger = (await bench.ask("GET", "/_simulator/ledger?after=3")).json()
    assert [call["n"] for call in ledger["calls"]] == [4]
    assert ledger["totals"]["calls"] == 4
    assert ledger["by_key"]["first"]["statuses"] == {"200": 2, "529": 1}
    assert ledger["by_model"]["claude-haiku-4-5"]["statuses"] == {"none": 1}
    assert ledger["totals"]["output_tokens"] == ledger["by_key"]["first"]["output_tokens"] > 7


async def test_ledger_can_be_cleared_and_numbers_go_on(started):
    async with started() as bench:
        await bench.message()
        assert (await bench.ask("DELETE", "/_simulator/ledger")).status == 204
        await bench.message()
        ledger = (await bench.ask("GET", "/_simulator/ledger")).json()
    assert [call["n"] for call in ledger["calls"]] == [2]
    assert ledger["totals"]["calls"] == 1


async def test_ledger_holds_no_key_and_no_content(started):
    async with started() as bench:
        await bench.message(_key=SECRET, system="tell nobody: mango")
        await bench.message(_key=None, _lines=[("authorization", f"Bearer {SECRET}")])
        text = (await bench.ask("GET", "/_simulator/ledger")).body.decode()
    assert "s3cret" not in text
    assert "mango" not in text
    fingerprint = hashlib.sha256(SECRET.encode()).hexdigest()[:8]
    assert [call["key"] for call in json.loads(text)["calls"]] == [fingerprint, fingerprint]


async def test_caller_without_a_key_is_called_none(started):
    async with started() as bench:
        await bench.message(_key=None)
        assert bench.calls()[0].key == "none"


async def test_health_and_unknown_admin_paths(started):
    async with started(seed=3) as bench:
        assert (await bench.ask("GET", "/_simulator/health")).json() == {"status": "ok", "seed": 3}
        assert (await bench.ask("GET", "/_simulator/nothing")).status == 404
        assert (await bench.ask("GET", "/_simulator/ledger?after=x")).status == 400
        assert bench.calls() == []

"""What the ledger holds of each call, and that it holds no secret and no content."""

import hashlib
import json

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

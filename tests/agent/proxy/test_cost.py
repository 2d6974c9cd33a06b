"""What calls cost: the same wherever it is told, by the model that was sent, discarded attempts too."""

import json
import logging
import re
from typing import Any

import pytest
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import Hang, ScriptedUpstream
from support.fakes.wire_bytes import (
    MODEL,
    OVERLOADED_EVENT,
    STREAM_HEAD,
    answer,
    chunk,
    message_body,
    stream_answer,
    stream_events,
)

pytestmark = pytest.mark.looptime

PRICE = {"inputPerMTok": "3", "outputPerMTok": "15", "cacheReadPerMTok": "0.30", "cacheWritePerMTok": "3.75"}
EVENTS = stream_events()
STREAM_COST, START_COST = "0.00048", "0.000045"  # 10 and 30 tokens; 10 and 1


def priced(model: str = MODEL, **more: str) -> list[dict[str, str]]:
    return [{"model": model, **PRICE, **more}]


def answered(**usage: Any) -> bytes:
    return answer(body=json.dumps({"id": "msg_1", "model": MODEL, "usage": usage}).encode())


def cost_metric(text: str, name: str = "cost_usd") -> list[tuple[str, float]]:
    found = re.findall(rf'^claude_sidecar_{name}_total\{{.*?model="(.*?)".*?\}} (\S+)$', text, re.MULTILINE)
    return [(model, float(value)) for model, value in found]


async def test_a_call_costs_what_all_its_attempts_did(started, caplog) -> None:
    cut = [STREAM_HEAD, chunk(EVENTS[0]), chunk(OVERLOADED_EVENT)]
    upstream = ScriptedUpstream([cut, stream_answer(EVENTS)])
    caplog.set_level(logging.INFO, "claude_sidecar.calls")
    async with started(upstream, prices=priced()) as bench:
        await bench.message(stream=True)
        (call,) = await bench.admin_json("/requests")
        metrics = (await bench.admin("/metrics")).body.decode()
    assert [sent["costUsd"] for sent in call["attempts"]] == [START_COST, STREAM_COST]
    assert (call["costUsd"], call["unpriced"]) == ("0.000525", [])
    assert cost_metric(metrics) == [(MODEL, 0.000525)]
    (line,) = [record.facts for record in caplog.records if "failed or was retried" in record.message]
    assert line["cost_usd"] == "0.000525"


async def test_caller_that_leaves_a_stream_pays_what_it_was_told(started) -> None:
    upstream = ScriptedUpstream(otherwise=[STREAM_HEAD, chunk(b"".join(EVENTS[:9])), Hang()])
    async with started(upstream, prices=priced()) as bench:
        async with connected(bench.port) as app:
            await app.send(request_bytes(body=message_body(stream=True)))
            await app.head()
            while b"word 3" not in await app.chunk():
                pass
        (call,) = await bench.admin_json("/requests")
    (sent,) = call["attempts"]
    assert (sent["partial"], sent["costUsd"], call["costUsd"]) == (True, START_COST, START_COST)


@pytest.mark.parametrize(
    ("prices", "route", "asked"),
    [
        (priced("claude-haiku-4-5"), {}, "claude-haiku-4-5-20251001"),
        (priced("claude-haiku-4-5-20251001"), {}, "claude-haiku-4-5"),
        (priced("our+haiku"), {"models": [{"name": "claude-haiku-4-5", "id": "our+haiku"}]}, None),
        (priced("claude-haiku-4-5"), {"models": [{"name": "claude-haiku-4-5", "id": "our+haiku"}]}, None),
        (
            [{"model": "claude-haiku-4-5", "inputPerMTok": "9"}, *priced("our+haiku")],
            {"models": [{"name": "claude-haiku-4-5", "id": "our+haiku"}]},
            None,
        ),
    ],
)
async def test_a_models_price_is_found_by_every_name_it_has(prices, route, asked, started) -> None:
    upstream = ScriptedUpstream(otherwise=answered(input_tokens=1000, output_tokens=100))
    async with started(upstream, routes=[route], prices=prices) as bench:
        await bench.message(model=asked or "claude-haiku-4-5")
        (call,) = await bench.admin_json("/requests")
        metrics = (await bench.admin("/metrics")).body.decode()
    assert (call["costUsd"], call["unpriced"]) == ("0.0045", [])
    assert cost_metric(metrics) == [(asked or "claude-haiku-4-5", 0.0045)]


async def test_a_substitute_has_its_own_price(started) -> None:
    fallback = {"substitutions": [{"model": MODEL, "with": ["claude-sonnet-4-6"]}]}
    overloaded = [STREAM_HEAD, chunk(EVENTS[0]), chunk(OVERLOADED_EVENT)]
    upstream = ScriptedUpstream([overloaded, stream_answer(EVENTS)])
    prices = [*priced(), {"model": "claude-sonnet-4-6", "inputPerMTok": "1", "outputPerMTok": "2"}]
    async with started(upstream, prices=prices, fallback=fallback) as bench:
        await bench.message(stream=True)
        (call,) = await bench.admin_json("/requests")
    assert [sent["costUsd"] for sent in call["attempts"]] == [START_COST, "0.00007"]


async def test_usage_without_a_price_is_told_everywhere(started) -> None:
    usage = {
        "input_tokens": 1000,
        "output_tokens": 100,
        "cache_read_input_tokens": 50,
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
    }
    upstream = ScriptedUpstream(otherwise=answered(**usage))
    prices = [{"model": MODEL, "inputPerMTok": "3", "outputPerMTok": "15"}]
    async with started(upstream, prices=prices) as bench:
        await bench.message()
        await bench.message(model="claude-sonnet-4-6")
        other, call = await bench.admin_json("/requests")
        metrics = (await bench.admin("/metrics")).body.decode()
    assert (call["costUsd"], call["unpriced"]) == ("0.0045", ["cache_read", "web_search"])
    assert other["costUsd"] is None
    assert other["unpriced"] == ["input", "output", "cache_read", "web_search"]
    assert cost_metric(metrics) == [(MODEL, 0.0045)]
    assert sorted(cost_metric(metrics, "unpriced_usage")) == sorted(
        [
            (MODEL, 50.0),
            (MODEL, 2.0),
            ("claude-sonnet-4-6", 1000.0),
            ("claude-sonnet-4-6", 100.0),
            ("claude-sonnet-4-6", 50.0),
            ("claude-sonnet-4-6", 2.0),
        ]
    )


async def test_without_prices_nothing_is_priced_and_nothing_told_as_unpriced(started) -> None:
    upstream = ScriptedUpstream(otherwise=answered(input_tokens=1000, output_tokens=100))
    async with started(upstream) as bench:
        await bench.message()
        (call,) = await bench.admin_json("/requests")
        metrics = (await bench.admin("/metrics")).body.decode()
    assert (call["costUsd"], call["unpriced"], call["attempts"][0]["costUsd"]) == (None, [], None)
    assert cost_metric(metrics) == cost_metric(metrics, "unpriced_usage") == []


async def test_counting_tokens_is_free_whatever_the_response_says(started) -> None:
    body = json.dumps({"input_tokens": 5, "usage": {"input_tokens": 1000, "output_tokens": 100}}).encode()
    upstream = ScriptedUpstream(otherwise=answer(body=body))
    async with started(upstream, prices=priced()) as bench:
        await bench.ask(request_bytes(target="/v1/messages/count_tokens", body=message_body()))
        (call,) = await bench.admin_json("/requests")
        metrics = (await bench.admin("/metrics")).body.decode()
    assert (call["costUsd"], call["unpriced"]) == (None, [])
    assert call["attempts"][0]["usage"]["inputTokens"] is None
    assert "claude_sidecar_tokens_total{" not in metrics

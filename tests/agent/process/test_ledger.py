"""2,000 mixed calls with faults: what we count equals what the upstream served, exactly."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import aiohttp
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support.cluster.waiting import until
from tests.agent.process.conftest import Whole

CALLS = 2_000
AT_ONCE = 40
KEYS = {"one": "sk-ant-api03-ledger-one", "two": "sk-ant-api03-ledger-two", "own": "sk-ant-api03-ledger-own"}
MODELS = ("claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5")

SCENARIO = """\
seed: 11
ledger_size: 20000
answer: {output_tokens: [5, 40]}
keys:
  - {name: one, key: sk-ant-api03-ledger-one}
  - {name: two, key: sk-ant-api03-ledger-two}
  - {name: own, key: sk-ant-api03-ledger-own}
rules:
  - {probability: 0.05, status: 529}
  - {probability: 0.03, status: 500}
  - {probability: 0.03, status: 429, headers: {retry-after-ms: 5}}
  - {probability: 0.01, status: 400}
  - {probability: 0.01, status: 401}
  - {probability: 0.01, status: 404}
  - {probability: 0.01, status: 502, html: true}
  - {probability: 0.01, reset: true}
  - {probability: 0.01, close: true}
  - {probability: 0.01, match: {stream: false}, truncate_body_at: 40}
  - {probability: 0.05, match: {stream: true}, error_at_event: 0}
  - {probability: 0.04, match: {stream: true}, error_at_event: 5}
  - {probability: 0.04, match: {stream: true}, truncate_at_event: 1, mode: cut}
  - {probability: 0.03, match: {stream: true}, truncate_at_event: 2, mode: clean}
  - {probability: 0.04, match: {stream: true}, truncate_at_event: 6, mode: cut}
"""
POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: ledger}}
spec:
  routes:
    - {{name: callers, endpoint: "{upstream}"}}
    - {{name: own, endpoint: "{upstream}", credential: {{env: OWN_KEY}}}}
  retry:
    backoff: {{initial: 1ms, max: 4ms}}
    budget: {{percent: 100, minPerSecond: 1000}}
  circuitBreaker: {{minRequests: 1000000}}
"""

Seen = Counter[tuple[str, ...]]


async def test_metrics_and_spans_equal_the_ledger(start_whole: Callable[..., Whole]) -> None:
    whole = start_whole(SCENARIO, POLICY, {"OWN_KEY": KEYS["own"]})
    statuses = await _make_calls(whole.sidecar)
    served = whole.ledger()["calls"]
    # A call is counted just after the app has its end, and not all need be exported when a process ends.
    until(lambda: len(_sends(whole)) == len(served), "every send has its span in the collector")
    until(lambda: len(_tops(whole)) == CALLS, "and every call")
    metrics = _samples(whole.admin_text("/metrics"))
    whole.stop()
    assert sum(statuses.values()) == CALLS
    assert len(served) > CALLS
    assert _sum(metrics, "claude_sidecar_requests_total", "status") == statuses
    by_route: Counter[tuple[str, ...]] = Counter()
    for call in served:
        route = "own" if call["key"] == "own" else "callers"
        by_route[(route, str(call["status"] or "none"))] += 1
    assert _sum(metrics, "claude_sidecar_attempts_total", "route", "status") == by_route
    assert _tokens(metrics) == _reported(served)

    sends = _sends(whole)
    assert len(sends) == len(served)
    told = Counter(str(_attribute(s, "http.response.status_code") or "none") for s in sends)
    assert told == Counter(str(call["status"] or "none") for call in served)
    tops = _tops(whole)
    assert Counter((str(_attribute(s, "http.response.status_code")),) for s in tops) == statuses
    assert sum(_attribute(s, "claude_sidecar.attempts") for s in tops) == len(served)
    assert dict(_sum(metrics, "claude_sidecar_traces_dropped_total")) == {(): 0}


def _sends(whole: Whole) -> list[Any]:
    return [s for s in whole.collector.spans() if s.kind == s.SPAN_KIND_CLIENT and s.name == "POST"]


def _tops(whole: Whole) -> list[Any]:
    return [s for s in whole.collector.spans() if s.kind == s.SPAN_KIND_SERVER]


async def _make_calls(base_url: str) -> Seen:
    """The calls, some at once; returns the statuses that the app saw."""
    dice = random.Random(5)
    plans = [(dice.choice(["one", "two"]), dice.choice(MODELS), dice.random()) for _ in range(CALLS)]
    seen: Seen = Counter()
    queue = iter(plans)

    async def worker(session: aiohttp.ClientSession) -> None:
        for key, model, kind in queue:
            path = "/v1/messages/count_tokens" if kind > 0.95 else "/v1/messages"
            body = {
                "model": model,
                "max_tokens": 50,
                "stream": kind < 0.5,
                "messages": [{"role": "user", "content": f"number {kind}"}],
            }
            headers = {
                "x-api-key": KEYS[key],
                "anthropic-version": "2023-06-01",
                # A sampled parent is always followed, so every call is traced.
                "traceparent": f"00-{dice.getrandbits(128):032x}-00000000000000aa-01",
            }
            try:
                async with session.post(base_url + path, json=body, headers=headers) as answer:
                    seen[(str(answer.status),)] += 1
                    await answer.read()
            except aiohttp.ClientPayloadError:
                continue

    # A connection is closed behind an interrupted stream: here no call may run into that by reusing it.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        await asyncio.gather(*(worker(session) for _ in range(AT_ONCE)))
    return seen


def _samples(text: str) -> list[Any]:
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def _sum(samples: list[Any], name: str, *labels: str) -> Seen:
    total: Seen = Counter()
    for sample in samples:
        if sample.name == name:
            total[tuple(sample.labels[label] for label in labels)] += int(sample.value)
    return total


def _tokens(samples: list[Any]) -> Seen:
    names = {sha256(key.encode()).hexdigest()[:8]: name for name, key in KEYS.items()}
    found = _sum(samples, "claude_sidecar_tokens_total", "model", "kind", "key")
    return Counter({(model, kind, names[key]): count for (model, kind, key), count in found.items()})


def _reported(served: list[dict[str, Any]]) -> Seen:
    fields = {
        "input": "input_tokens",
        "output": "output_tokens",
        "cache_read": "cache_read_input_tokens",
        "cache_creation": "cache_creation_input_tokens",
    }
    total: Seen = Counter()
    for call in served:
        usage = call["reported_usage"]
        if usage is None or call["path"] == "/v1/messages/count_tokens":
            continue
        for kind, name in fields.items():
            if usage[name]:
                total[(call["model"], kind, call["key"])] += usage[name]
    return total


def _attribute(span: Any, name: str) -> Any:
    for pair in span.attributes:
        if pair.key == name:
            return getattr(pair.value, pair.value.WhichOneof("value"))
    return None

"""An app's call as a real trace store shows it: the app's span, and the sidecar's three levels beneath."""

import contextlib
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import anthropic
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from support.cluster.waiting import until
from support.telemetry.jaeger import Jaeger, Span, jaeger
from support.telemetry.processes import sidecar, simulator

pytestmark = pytest.mark.trace_store

KEY, SECOND_KEY = "sk-ant-api03-of-the-app", "sk-ant-api03-of-the-second-organisation"
MODEL = "claude-sonnet-4-6"
PROMPT = "a prompt that no trace may hold"
POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: production, namespace: shop}}
spec:
  routes:
    - {{name: anthropic, endpoint: "{upstream}"}}
    - {{name: second-org, endpoint: "{upstream}", credential: {{env: SECOND_KEY}}}}
  retry: {{maxAttempts: 4, backoff: {{initial: 50ms, max: 50ms}}}}
  circuitBreaker: {{minRequests: 1000}}
"""


def alias(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Levels:
    """A trace taken apart; every span is where it belongs."""

    app: Span
    top: Span
    middle: Span
    sends: list[Span]

    @property
    def ours(self) -> list[Span]:
        return [self.top, self.middle, *self.sends]

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        return [(event.name, event.attributes) for event in self.middle.events]


@dataclass
class App:
    """An app with spans of its own and the official SDK. answer: of its last call."""

    client: anthropic.Anthropic
    provider: TracerProvider
    store: Jaeger
    answer: Any = None

    def call(self, fault: str = "", stream: bool = False, **headers: str) -> int:
        """Call within a span; fault: the simulator's `x-simulate`. Returns the trace's id."""
        with self.provider.get_tracer("shop").start_as_current_span("answer a customer") as span:
            TraceContextTextMapPropagator().inject(headers)
            if fault:
                headers |= {"x-simulate": fault, "x-simulate-id": secrets.token_hex(8)}
            asked: dict[str, Any] = {
                "model": MODEL,
                "max_tokens": 100,
                "messages": [{"role": "user", "content": PROMPT}],
                "extra_headers": headers,
            }
            with contextlib.suppress(anthropic.APIError):
                if stream:
                    with self.client.messages.stream(**asked) as events:
                        self.answer = events.get_final_message()
                else:
                    self.answer = self.client.messages.create(**asked)
        return span.get_span_context().trace_id

    def levels(self, trace_id: int, sends: int) -> Levels:
        """The trace once all of it has come."""

        def whole() -> list[Span]:
            spans = self.store.trace(f"{trace_id:032x}")
            return spans if len(spans) >= 3 + sends else []

        spans = until(whole, f"the trace has its {3 + sends} spans")
        (app,) = [span for span in spans if span.service == "shop"]
        (top,) = [span for span in spans if span.kind == "server"]
        (middle,) = [span for span in spans if span.parent_id == top.span_id]
        below = [span for span in spans if span.parent_id == middle.span_id]
        assert [app.parent_id, top.parent_id] == [None, app.span_id]
        assert len(spans) == 3 + len(below)
        assert len(below) == sends
        return Levels(app, top, middle, below)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app beside a sidecar, and the store that both send their spans to."""
    folder: Path = tmp_path_factory.mktemp("traces")
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(jaeger(folder))
        upstream = stack.enter_context(simulator(folder))
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": store.otlp,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "SECOND_KEY": SECOND_KEY,
        }
        beside = stack.enter_context(sidecar(folder, POLICY.format(upstream=upstream), environ))
        provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{store.otlp}/v1/traces")))
        stack.callback(provider.shutdown)
        http = anthropic.DefaultHttpxClient(trust_env=False)
        client = stack.enter_context(anthropic.Anthropic(base_url=beside.url, api_key=KEY, http_client=http))
        yield App(client, provider, store)


def test_success(app: App) -> None:
    seen = app.levels(app.call(**{"x-claude-feature": "search"}), sends=1)
    (send,) = seen.sends
    assert [span.name for span in seen.ours] == ["POST /v1/messages", f"chat {MODEL}", "POST"]
    assert [span.kind for span in seen.ours] == ["server", "client", "client"]
    assert {span.service for span in seen.ours} == {"claude-sidecar"}
    assert not any(span.failed for span in (seen.app, *seen.ours))
    for span in seen.ours:
        assert span.attributes["http.response.status_code"] == 200
        assert span.attributes["claude_sidecar.route"] == "anthropic"
        assert not {"error.type", "claude_sidecar.cause"} & set(span.attributes)
    top = seen.top.attributes
    assert top["claude_sidecar.policy"] == "production"
    assert len(top["claude_sidecar.policy_hash"]) >= 8
    assert top["claude_sidecar.attempts"] == 1
    assert top["claude_sidecar.key"] == alias(KEY)
    assert top["claude_sidecar.feature"] == "search"
    assert 0 <= top["claude_sidecar.added_latency_ms"] < 5000
    usage = app.answer.usage
    assert seen.middle.attributes["claude_sidecar.usage.input_tokens"] == usage.input_tokens
    assert seen.middle.attributes["claude_sidecar.usage.output_tokens"] == usage.output_tokens
    assert seen.middle.attributes["gen_ai.provider.name"] == "anthropic"
    assert "http.request.resend_count" not in send.attributes
    assert seen.events() == []


def test_overload_that_the_second_route_cured(app: App) -> None:
    seen = app.levels(app.call("529; times=1"), sends=2)
    first, second = seen.sends
    assert [span.failed for span in seen.ours] == [False, False, True, False]
    assert first.attributes["http.response.status_code"] == 529
    assert first.attributes["error.type"] == "overloaded_error"
    assert first.attributes["claude_sidecar.cause"] == "Overloaded"
    assert first.attributes["claude_sidecar.route"] == "anthropic"
    assert second.attributes["http.request.resend_count"] == 1
    assert second.attributes["claude_sidecar.key"] == alias(SECOND_KEY)
    for span in (seen.top, seen.middle, second):
        assert span.attributes["http.response.status_code"] == 200
        assert span.attributes["claude_sidecar.route"] == "second-org"
        assert not {"error.type", "claude_sidecar.cause"} & set(span.attributes)
    assert seen.top.attributes["claude_sidecar.attempts"] == 2
    moved = {"from": "anthropic", "to": "second-org", "cause": "Overloaded"}
    assert seen.events() == [("claude_sidecar.fallback", moved)]


def test_all_sends_failed(app: App) -> None:
    seen = app.levels(app.call("529"), sends=4)
    assert all(span.failed for span in seen.ours)
    for span in seen.ours:
        assert span.attributes["http.response.status_code"] == 529
        assert span.attributes["error.type"] == "overloaded_error"
        assert span.attributes["claude_sidecar.cause"] == "Overloaded"
    routes = ["anthropic", "second-org"] * 2
    assert [span.attributes["claude_sidecar.route"] for span in seen.sends] == routes
    assert [span.attributes.get("http.request.resend_count") for span in seen.sends] == [None, 1, 2, 3]
    assert seen.top.attributes["claude_sidecar.attempts"] == 4
    moves = [event for name, event in seen.events() if name == "claude_sidecar.fallback"]
    assert [(move["from"], move["to"], move["cause"]) for move in moves] == [
        (before, after, "Overloaded") for before, after in pairwise(routes)
    ]
    (pause,) = [event for name, event in seen.events() if name == "claude_sidecar.wait"]
    assert pause["reason"] == "backoff"
    assert 0 < pause["seconds"] <= 1.6  # before its last sends a call waits as long as an SDK would


def test_stream_that_broke_after_its_first_delta(app: App) -> None:
    seen = app.levels(app.call("truncate-at-event=6; output-tokens=80", stream=True), sends=1)
    (send,) = seen.sends
    assert all(span.failed for span in seen.ours)
    for span in seen.ours:
        assert span.attributes["http.response.status_code"] == 200
        assert span.attributes["claude_sidecar.route"] == "anthropic"
        assert span.attributes["claude_sidecar.cause"] == "ConnectionFailure"
    assert seen.top.attributes["error.type"] == "gateway_stream_interrupted"
    assert seen.middle.attributes["error.type"] == "gateway_stream_interrupted"
    assert send.attributes["error.type"] == "connection_error"
    assert seen.middle.attributes["gen_ai.request.stream"] is True
    assert seen.middle.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert seen.top.attributes["claude_sidecar.attempts"] == 1


def test_limit_that_is_not_waited_for(app: App) -> None:
    fault = "429; retry-after=403973; header.anthropic-ratelimit-output-tokens-remaining=0"
    seen = app.levels(app.call(fault), sends=1)
    # Of a 4xx the server is not to blame.
    assert [span.failed for span in seen.ours] == [False, True, True]
    for span in seen.ours:
        assert span.attributes["http.response.status_code"] == 429
        assert span.attributes["error.type"] == "rate_limit_error"
        assert span.attributes["claude_sidecar.cause"] == "RateLimit"
        assert span.attributes["claude_sidecar.route"] == "anthropic"
    assert seen.top.attributes["claude_sidecar.limit"] == "output-tokens"
    assert seen.top.attributes["claude_sidecar.hint"]
    assert seen.top.attributes["claude_sidecar.attempts"] == 1


def test_limit_that_was_waited_for(app: App) -> None:
    seen = app.levels(app.call("429; retry-after=0.2; times=1"), sends=2)
    assert [span.failed for span in seen.ours] == [False, False, True, False]
    ((name, event),) = seen.events()
    assert (name, event["reason"]) == ("claude_sidecar.wait", "retry-after")
    assert event["seconds"] >= 0.2
    first, second = seen.sends
    assert second.start_us - first.start_us >= 200_000
    assert {span.attributes["claude_sidecar.route"] for span in seen.ours} == {"anthropic"}
    assert seen.top.attributes["claude_sidecar.added_latency_ms"] >= 200


def test_a_call_without_a_parent_is_a_trace_of_its_own(app: App) -> None:
    traces = _without_parent(app)
    app.client.messages.create(model=MODEL, max_tokens=10, messages=[{"role": "user", "content": PROMPT}])
    (trace,) = until(lambda: _without_parent(app)[len(traces) :], "the trace has come")
    assert [span.kind for span in trace] == ["server", "client", "client"]


def _without_parent(app: App) -> list[list[Span]]:
    found = [trace for trace in app.store.traces("claude-sidecar") if trace[0].service != "shop"]
    return [trace for trace in found if len(trace) == 3]


def test_no_span_holds_prompt_answer_or_key(app: App) -> None:
    seen = app.levels(app.call(), sends=1)
    (block,) = app.answer.content
    told = str(seen)
    for secret in (PROMPT, KEY, SECOND_KEY, block.text):
        assert secret not in told

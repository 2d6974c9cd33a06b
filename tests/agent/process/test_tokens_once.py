"""The official SDK traces itself, the sidecar behind it: a sum over the trace counts tokens once."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import pytest
from anthropic.types import Usage
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from support.cluster.waiting import until
from tests.agent.process.conftest import Collector, Whole

MODEL = "claude-sonnet-4-6"
PROMPT = [{"type": "text", "text": "A long story. " * 600, "cache_control": {"type": "ephemeral"}}]
ASKED: Any = {"model": MODEL, "max_tokens": 200, "messages": [{"role": "user", "content": PROMPT}]}
SCENARIO = "answer: {output_tokens: 40}\n"
POLICY = """\
apiVersion: claude-sidecar.dev/v1alpha1
kind: ClaudePolicy
metadata: {{name: tokens}}
spec:
  routes: [{{name: anthropic, endpoint: "{upstream}"}}]
  retry: {{backoff: {{initial: 1ms, max: 2ms}}}}
"""
USAGE = """\
  telemetry: {{traces: {{usage: %s}}}}
"""


@pytest.fixture(autouse=True)
def no_provider_is_left() -> Iterator[None]:
    """A provider acts in whatever is forked while it lives, which hangs where a later test does so."""
    yield
    gc.collect()


@contextmanager
def app(whole: Whole, *, traced: bool) -> Iterator[anthropic.Anthropic]:
    """An app that exports its spans to the sidecar's collector, or has none; caching is on."""
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(
        SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"{whole.collector.url}/v1/traces"))
    )
    client = anthropic.Anthropic(
        api_key="sk-ant-api03-of-the-app",
        base_url=whole.sidecar,
        http_client=anthropic.DefaultHttpxClient(trust_env=False),
        open_telemetry={"tracer_provider": provider} if traced else False,
    )
    with client:
        yield client
    provider.shutdown()


def plain(client: anthropic.Anthropic) -> Usage:
    return client.messages.create(**ASKED).usage


def streamed(client: anthropic.Anthropic) -> Usage:
    with client.messages.stream(**ASKED) as stream:
        return stream.get_final_message().usage


def cured(client: anthropic.Anthropic) -> Usage:
    """A stream that breaks with half its tokens told, and is sent again."""
    headers = {"x-simulate": "error_at_event=1; times=1", "x-simulate-id": "once"}
    with client.messages.stream(**ASKED, extra_headers=headers) as stream:
        return stream.get_final_message().usage


def new_trace(collector: Collector, told: list[Any], *, traced: bool) -> list[Any]:
    """The spans of the one trace that is there beside those already told, once all of it is there."""
    awaited = {"SPAN_KIND_SERVER"} | ({"anthropic.messages.create"} if traced else set())

    def new() -> list[Any]:
        return collector.spans()[len(told) :]

    until(
        lambda: awaited <= {name for span in new() for name in (span.name, _kind(span))}, "a trace is there"
    )
    spans = new()
    assert len({span.trace_id for span in spans}) == 1
    return spans


def _kind(span: Any) -> str:
    name: str = type(span).SpanKind.Name(span.kind)
    return name


def sums(spans: list[Any], *attributes: str) -> list[int]:
    """What a store makes of attributes: each added up over all spans."""
    found: Counter[str] = Counter()
    for span in spans:
        found.update({each.key: each.value.int_value for each in span.attributes if each.key in attributes})
    return [found[name] for name in attributes]


def input_of(usage: Usage) -> int:
    cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
    return usage.input_tokens + cached


@pytest.mark.parametrize("traced", [True, False], ids=["traced app", "app without spans"])
def test_one_trace_has_one_sum(start_whole: Callable[..., Whole], traced: bool) -> None:
    whole = start_whole(SCENARIO, POLICY, {})
    told: list[Any] = []
    with app(whole, traced=traced) as client:
        for call, sends in ((plain, 1), (streamed, 1), (cured, 2)):
            usage = call(client)
            spans = new_trace(whole.collector, told, traced=traced)
            told += spans
            asked, answered = input_of(usage), usage.output_tokens
            assert asked > usage.input_tokens
            assert sums(spans, "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens") == [asked, answered]
            assert [span.name for span in spans].count("POST") == sends
            (top,) = [span for span in spans if _kind(span) == "SPAN_KIND_SERVER"]
            parents = [span.span_id for span in spans if span.name == "anthropic.messages.create"]
            assert [top.parent_span_id] == (parents or [b""])


@pytest.mark.parametrize(("usage", "times"), [("Always", 2), ("Never", 1)])
def test_the_policy_may_say_otherwise(start_whole: Callable[..., Whole], usage: str, times: int) -> None:
    whole = start_whole(SCENARIO, POLICY + USAGE % usage, {})
    with app(whole, traced=True) as client:
        told = plain(client)
    spans = new_trace(whole.collector, [], traced=True)
    assert sums(spans, "gen_ai.usage.output_tokens", "claude_sidecar.usage.output_tokens") == [
        told.output_tokens * times,
        told.output_tokens * (2 - times),
    ]

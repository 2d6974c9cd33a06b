"""The one object the proxy tells its calls to: everything agrees, nothing hurts, nothing leaks."""

import json
import logging
import random
from collections import Counter

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from claude_sidecar.causes import Cause
from claude_sidecar.schema import telemetry as schema
from claude_sidecar.telemetry import names
from claude_sidecar.telemetry.attempts import FallbackRecord, WaitRecord
from claude_sidecar.telemetry.listener import Telemetry
from claude_sidecar.telemetry.metrics import Metrics
from claude_sidecar.telemetry.trace_export import TraceExport
from claude_sidecar.telemetry.traces import Traces
from claude_sidecar.wire.response_metadata import TokenUsage


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def telemetry_of(make, build, exported: InMemorySpanExporter) -> Telemetry:
    """build: makes the spans of a record."""
    metrics = Metrics()
    export = TraceExport(exported, metrics.export_failed, queue_spans=100_000)
    telemetry = Telemetry(metrics, Traces(build, export, metrics), lambda: make.timebase)
    telemetry.policy_in_force(make.snapshot())
    return telemetry


@pytest.fixture
def telemetry(make, tree, exported):
    """Telemetry whose traces end up in memory once it is closed."""
    telemetry = telemetry_of(make, tree, exported)
    yield telemetry
    telemetry.close(5.0)


FAILURES = (
    (529, Cause.OVERLOADED, "overloaded_error"),
    (429, Cause.RATE_LIMIT, "rate_limit_error"),
    (500, Cause.SERVER_ERROR, "api_error"),
    (None, Cause.CONNECTION_FAILURE, "connection_error"),
)


def some_call(make, chance: random.Random):
    """A call of up to four sends, some of which burnt tokens before they failed."""
    sends = []
    for _ in range(chance.randrange(4)):
        status, cause, error = chance.choice(FAILURES)
        usage = TokenUsage(chance.randrange(1, 50), 1) if chance.random() < 0.3 else TokenUsage()
        route = chance.choice(["anthropic", "second-org"])
        sends.append(make.refused(status, cause, error, route=route, usage=usage))
    if chance.random() < 0.8:
        counts = [chance.randrange(1, 1000) for _ in range(4)]
        sends.append(make.attempt(usage=TokenUsage(*counts)))
        return make.call(attempts=sends, route=sends[-1].route, parent_sampled=True)
    if not sends:
        return make.call(
            status=529, error_type="gateway_busy", route="none", attempts=[], parent_sampled=True
        )
    last = sends[-1]
    return make.call(
        attempts=sends,
        route=last.route if last.status else "none",
        status=last.status or 502,
        cause=last.cause,
        error_type=last.error_type if last.status else "gateway_unreachable",
        parent_sampled=True,
    )


def test_metrics_and_spans_equal_what_was_recorded(make, telemetry, exported) -> None:
    chance = random.Random(7)
    calls = [some_call(make, chance) for _ in range(500)]
    for record in calls:
        telemetry.call_ended(record, make.snapshot())
    telemetry.close(5.0)
    sends = [sent for record in calls for sent in record.attempts]

    rendered = telemetry.metrics.render_openmetrics().decode()
    samples = [sample for family in text_string_to_metric_families(rendered) for sample in family.samples]

    def metric_sum(name: str, **labels: str) -> float:
        return sum(
            sample.value
            for sample in samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    spans = exported.get_finished_spans()
    posts = [span for span in spans if span.name == "POST"]
    servers = [span for span in spans if span.name == "POST /v1/messages"]
    assert len(servers) == len(calls) == metric_sum(names.M_REQUESTS)
    assert len(posts) == len(sends) == metric_sum(names.M_ATTEMPTS)
    for status, count in Counter(record.response.status for record in calls).items():
        assert metric_sum(names.M_REQUESTS, status=str(status)) == count
    for cause, count in Counter(sent.cause for sent in sends).items():
        assert metric_sum(names.M_ATTEMPTS, cause=cause or "none") == count
    assert Counter(span.attributes.get("claude_sidecar.cause") for span in posts) == Counter(
        sent.cause for sent in sends
    )
    burnt = {}
    for kind, attribute, of in (
        ("output", names.ATTEMPT_USAGE_OUTPUT, "output_tokens"),
        ("cache_read", names.ATTEMPT_USAGE_CACHE_READ, "cache_read_input_tokens"),
        ("cache_creation", names.ATTEMPT_USAGE_CACHE_CREATION, "cache_creation_input_tokens"),
        ("input", names.ATTEMPT_USAGE_INPUT, "input_tokens"),
    ):
        burnt[kind] = sum(getattr(sent.usage, of) or 0 for sent in sends)
        # A span's input includes both cache parts.
        told = (
            burnt["input"] + burnt["cache_read"] + burnt["cache_creation"] if kind == "input" else burnt[kind]
        )
        assert metric_sum(names.M_TOKENS, kind=kind) == burnt[kind]
        assert sum(span.attributes.get(attribute, 0) for span in posts) == told
    assert metric_sum(names.M_RETRIES, outcome="sent") == sum(
        max(0, len(record.attempts) - 1) for record in calls
    )
    assert metric_sum(names.M_IN_FLIGHT) == 0


def test_plain_successes_over_the_rate_are_dropped_and_counted(make, telemetry, exported) -> None:
    for _ in range(30):
        telemetry.call_ended(make.call(), make.snapshot())
    telemetry.close(5.0)
    assert len(exported.get_finished_spans()) == 30
    assert telemetry.metrics.value(names.M_TRACES_DROPPED) == 20


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 404, "error_type": "not_found_error"},
        {"waits": [WaitRecord(1000.0, 1.0, "budget")]},
        {"fallbacks": [FallbackRecord(1000.2, "anthropic", "second-org", Cause.OVERLOADED)]},
        {"interrupted": True},
    ],
)
def test_failed_waiting_and_rerouted_calls_are_traced_at_their_own_rate(
    make, telemetry, exported, trouble
) -> None:
    snapshot = make.snapshot(telemetry=schema.Telemetry(traces={"successesPerSecond": 0}))
    telemetry.call_ended(make.call(**trouble), snapshot)
    telemetry.call_ended(make.call(), snapshot)
    telemetry.close(5.0)
    assert len(exported.get_finished_spans()) == 3


def test_caller_that_left_counts_as_a_plain_success(make, telemetry, exported) -> None:
    snapshot = make.snapshot(telemetry=schema.Telemetry(traces={"successesPerSecond": 0}))
    telemetry.call_ended(make.call(status=None, cancelled=True), snapshot)
    telemetry.close(5.0)
    assert exported.get_finished_spans() == ()


def test_listener_that_raises_hurts_no_call_and_is_logged_once(make, exported, caplog) -> None:
    def broken(record):
        raise RuntimeError("planted-secret")

    telemetry = telemetry_of(make, broken, exported)
    for _ in range(3):
        telemetry.call_ended(make.call(parent_sampled=True), make.snapshot())
    telemetry.close(5.0)
    assert telemetry.metrics.value(names.M_LISTENER_ERRORS) == 3
    assert [line.message for line in caplog.records].count(names.LOG_LISTENER) == 1
    requests = {"route": "anthropic", "model": make.model, "status": "200", "error_type": "none"}
    assert telemetry.metrics.value(names.M_REQUESTS, {**requests, "key": "1a2b3c4d"}) == 3


def test_answer_of_another_model_is_counted_and_logged(make, telemetry, caplog) -> None:
    record = make.call(attempts=[make.attempt(response_model="claude-haiku-4-5")])
    telemetry.call_ended(record, make.snapshot())
    (line,) = [line for line in caplog.records if line.message == names.LOG_MISMATCH]
    assert (line.facts["asked"], line.facts["answered"]) == (make.model, "claude-haiku-4-5")
    labels = {"route": "anthropic", "model": make.model}
    assert telemetry.metrics.value(names.M_MISMATCHES, labels) == 1


def test_refused_policy_is_counted_and_told(telemetry, caplog) -> None:
    telemetry.policy_refused("policy.yaml:7: spec.retry.maxAttempts: 99 is too many; allowed is 1 to 10")
    assert telemetry.metrics.value(names.M_POLICY_ERRORS) == 1
    (line,) = [line for line in caplog.records if line.levelno == logging.ERROR]
    assert "allowed is 1 to 10" in line.facts["error"]


def test_requests_lists_the_newest_500_calls_as_json(make, telemetry) -> None:
    for number in range(510):
        telemetry.call_ended(make.call(call_id=f"sc_{number}"), make.snapshot())
    listed = telemetry.requests.describe()
    assert [listed[0]["callId"], listed[-1]["callId"], len(listed)] == ["sc_509", "sc_10", 500]
    assert json.loads(json.dumps(listed)) == listed


def test_request_in_the_list_tells_sends_waits_and_moves(make, telemetry, exported) -> None:
    record = make.call(
        attempts=[make.refused(529, Cause.OVERLOADED, "overloaded_error"), make.attempt(route="second-org")],
        waits=[WaitRecord(1000.25, 0.5, "backoff", "wait for a turn", "of its budget")],
        fallbacks=[FallbackRecord(1000.5, "anthropic", "second-org", Cause.OVERLOADED)],
        hint="a hint",
    )
    telemetry.call_ended(record, make.snapshot())
    telemetry.close(5.0)
    (listed,) = telemetry.requests.describe()
    assert listed["startedAt"] == "2023-11-14T22:13:20.000+00:00"
    assert listed["durationMs"] == 2000.0
    assert listed["hint"] == "a hint"
    assert {listed["traceId"]} == {f"{span.context.trace_id:032x}" for span in exported.get_finished_spans()}
    assert [(sent["route"], sent["status"], sent["cause"]) for sent in listed["attempts"]] == [
        ("anthropic", 529, "Overloaded"),
        ("second-org", 200, None),
    ]
    assert listed["waits"] == [
        {
            "atMs": 250.0,
            "seconds": 0.5,
            "reason": "backoff",
            "rule": "wait for a turn",
            "because": "of its budget",
        }
    ]
    assert listed["fallbacks"] == [
        {"atMs": 500.0, "from": "anthropic", "to": "second-org", "cause": "Overloaded"}
    ]


class Full:
    """A book that takes nothing more."""

    def call_ended(self, *_: object) -> None:
        raise OSError("no room")


@pytest.mark.parametrize("broken", ["requests", "rollups"])
def test_what_one_book_does_not_take_the_others_count(broken, make, telemetry) -> None:
    setattr(telemetry, broken, Full())
    telemetry.call_ended(make.call(), make.snapshot())
    assert telemetry.metrics.value(names.M_COST, {"model": make.model, "key": "1a2b3c4d"}) == 0.00038625
    if broken == "requests":
        assert telemetry.rollups.read(1002.0).all.total.calls == 1
    else:
        assert len(telemetry.requests) == 1
    assert telemetry.metrics.value(names.M_LISTENER_ERRORS) == 1


def test_long_strings_of_strangers_are_kept_nowhere(make, telemetry, exported) -> None:
    long = "claude-" + "x" * 1_000_000
    record = make.call(
        model=long,
        path="/" + long,
        feature=long,
        error_type=long,
        status=400,
        attempts=[make.attempt(model=long)],
    )
    telemetry.call_ended(record, make.snapshot())
    telemetry.close(5.0)
    assert len(json.dumps(telemetry.requests.describe())) < 5_000
    assert len(telemetry.metrics.render_openmetrics()) < 50_000
    assert sum(len(span.to_json()) for span in exported.get_finished_spans()) < 20_000

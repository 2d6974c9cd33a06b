"""What a call adds to each metric."""

import re
from decimal import Decimal

import pytest

from claude_sidecar.causes import Cause
from claude_sidecar.policy.breaker import BreakerState
from claude_sidecar.policy.rate_limits import Bucket, RateLimits
from claude_sidecar.telemetry import names
from claude_sidecar.telemetry.attempts import FallbackRecord, WaitRecord
from claude_sidecar.telemetry.metrics import Metrics
from claude_sidecar.telemetry.series import MOST_SERIES
from claude_sidecar.wire.rate_limit_headers import parse_rate_limits
from claude_sidecar.wire.response_metadata import TokenUsage


@pytest.fixture
def metrics(make) -> Metrics:
    metrics = Metrics()
    metrics.policy_in_force(make.snapshot())
    return metrics


def test_plain_call_counts_once_everywhere(make, metrics) -> None:
    metrics.call_ended(make.call(), make.snapshot())
    whose = {"model": make.model, "key": "1a2b3c4d"}
    assert (
        metrics.value(
            names.M_REQUESTS, {"route": "anthropic", "status": "200", "error_type": "none", **whose}
        )
        == 1
    )
    assert (
        metrics.value(
            names.M_ATTEMPTS,
            {"route": "anthropic", "model": make.model, "status": "200", "cause": "none"},
        )
        == 1
    )
    tokens = {"input": 10, "output": 20, "cache_read": 100, "cache_creation": 7}
    for kind, count in tokens.items():
        assert metrics.value(names.M_TOKENS, {"kind": kind, **whose}) == count
    assert metrics.value(names.M_COST, whose) == 0.00038625
    assert metrics.value(names.M_RETRIES, {"outcome": "sent"}) == 0
    assert metrics.value(names.M_ADDED_LATENCY + "_bucket", {"le": "0.0005"}) == 1
    assert metrics.value(names.M_FIRST_CHUNK + "_sum") == 0.75


def test_gen_ai_metrics_sum_the_whole_input_and_leave_error_type_empty(make, metrics) -> None:
    metrics.call_ended(make.call(), make.snapshot())
    operation = {
        "gen_ai_operation_name": "chat",
        "gen_ai_provider_name": "anthropic",
        "gen_ai_request_model": make.model,
    }
    assert metrics.value(names.M_GEN_AI_TOKENS + "_sum", {**operation, "gen_ai_token_type": "input"}) == 117
    assert metrics.value(names.M_GEN_AI_TOKENS + "_sum", {**operation, "gen_ai_token_type": "output"}) == 20
    assert metrics.value(names.M_GEN_AI_DURATION + "_sum", {**operation, "error_type": ""}) == 2.0
    assert metrics.value(names.M_GEN_AI_FIRST_CHUNK + "_count", operation) == 1


def test_unknown_token_counts_are_not_reported_as_zero(make, metrics) -> None:
    metrics.call_ended(make.call(attempts=[make.attempt(usage=TokenUsage())]), make.snapshot())
    text = metrics.render_openmetrics().decode()
    assert "claude_sidecar_tokens_total{" not in text
    assert "gen_ai_client_token_usage_bucket{" not in text


def test_repeats_waits_and_moves_are_counted(make, metrics) -> None:
    record = make.call(
        route="second-org",
        attempts=[
            make.refused(529, Cause.OVERLOADED, "overloaded_error"),
            make.refused(None, Cause.CONNECTION_FAILURE, "connection_error", route="second-org"),
            make.attempt(route="second-org"),
        ],
        waits=[WaitRecord(1000.3, 1.5, "backoff")],
        fallbacks=[FallbackRecord(1000.2, "anthropic", "second-org", Cause.OVERLOADED)],
        retry_outcome="won",
    )
    metrics.call_ended(record, make.snapshot())
    model = make.model
    assert metrics.value(names.M_RETRIES, {"outcome": "sent"}) == 2
    assert metrics.value(names.M_RETRIES, {"outcome": "won"}) == 1
    assert metrics.value(names.M_WAIT + "_sum", {"reason": "backoff"}) == 1.5
    moved = {"from": "anthropic", "to": "second-org", "cause": "Overloaded"}
    assert metrics.value(names.M_FALLBACKS, moved) == 1
    dead = {"route": "second-org", "model": model, "status": "none", "cause": "ConnectionFailure"}
    assert metrics.value(names.M_ATTEMPTS, dead) == 1


def test_limit_of_a_429_is_counted_under_the_key_that_hit_it_though_the_call_was_cured(make, metrics) -> None:
    refused = make.refused(429, Cause.RATE_LIMIT, "rate_limit_error", limit="output-tokens", key="ffffffff")
    metrics.call_ended(make.call(attempts=[refused, make.attempt()]), make.snapshot())
    hit = {"route": "anthropic", "model": make.model, "limit": "output-tokens"}
    assert metrics.value(names.M_LIMITS, {**hit, "key": "ffffffff"}) == 1
    assert metrics.value(names.M_LIMITS, {**hit, "key": "1a2b3c4d"}) is None


def test_tokens_of_discarded_sends_are_counted_and_priced(make, metrics) -> None:
    cut = make.refused(
        200,
        Cause.CONNECTION_FAILURE,
        "connection_error",
        usage=TokenUsage(1000, 1, None, None),
        cost_usd=Decimal("0.003015"),
    )
    metrics.call_ended(make.call(attempts=[cut, make.attempt()]), make.snapshot())
    whose = {"model": make.model, "key": "1a2b3c4d"}
    assert metrics.value(names.M_TOKENS, {"kind": "input", **whose}) == 1010
    assert metrics.value(names.M_TOKENS, {"kind": "output", **whose}) == 21
    assert metrics.value(names.M_COST, whose) == 0.00340125


def test_dollars_are_summed_as_decimals(make, metrics) -> None:
    for _ in range(10):
        metrics.call_ended(make.call(attempts=[make.attempt(cost_usd=Decimal("0.1"))]), make.snapshot())
    assert metrics.value(names.M_COST, {"model": make.model, "key": "1a2b3c4d"}) == 1.0


def test_usage_without_a_price_is_counted_by_model_and_kind(make, metrics) -> None:
    usage = TokenUsage(
        10, 20, 100, 7, cache_creation_1h_input_tokens=3, web_search_requests=2, web_fetch_requests=5
    )
    kinds = ("cache_read", "cache_creation", "cache_creation_1h", "web_search")
    metrics.call_ended(make.call(attempts=[make.attempt(usage=usage, unpriced=kinds)]), make.snapshot())
    told = {
        kind: metrics.value(names.M_UNPRICED, {"model": make.model, "kind": kind})
        for kind in ("input", "output", *kinds)
    }
    assert told == {
        "input": None,
        "output": None,
        "cache_read": 100,
        "cache_creation": 4,
        "cache_creation_1h": 3,
        "web_search": 2,
    }


def test_tokens_are_counted_under_the_key_that_was_sent(make, metrics) -> None:
    cut = make.refused(
        200, Cause.CONNECTION_FAILURE, "connection_error", key="ffffffff", usage=TokenUsage(1000, 1)
    )
    metrics.call_ended(make.call(attempts=[cut, make.attempt()]), make.snapshot())
    tokens = {"model": make.model, "kind": "input"}
    assert metrics.value(names.M_TOKENS, {"key": "ffffffff", **tokens}) == 1000
    assert metrics.value(names.M_TOKENS, {"key": "1a2b3c4d", **tokens}) == 10


def test_counting_tokens_uses_none(make, metrics) -> None:
    record = make.call(operation="count_tokens", stream=False, attempts=[make.attempt()])
    metrics.call_ended(record, make.snapshot())
    assert "claude_sidecar_tokens_total{" not in metrics.render_openmetrics().decode()


def test_substitute_and_route_id_are_labelled_by_the_callers_names(make, metrics) -> None:
    snapshot = make.snapshot(routes=(make.route("anthropic", models={make.model: "its-own-id"}),))
    metrics.policy_in_force(snapshot)
    metrics.call_ended(make.call(attempts=[make.attempt(model="its-own-id")]), snapshot)
    sent = {"route": "anthropic", "model": make.model, "status": "200", "cause": "none"}
    assert metrics.value(names.M_ATTEMPTS, sent) == 1
    assert metrics.value(names.M_COST, {"model": make.model, "key": "1a2b3c4d"})


def test_plain_and_dated_name_of_one_id_are_labelled_as_they_were_asked_for(make, metrics) -> None:
    dated = f"{make.model}-20260217"
    snapshot = make.snapshot(routes=(make.route("anthropic", models={make.model: "x", dated: "x"}),))
    metrics.policy_in_force(snapshot)
    for asked in (make.model, dated):
        metrics.call_ended(make.call(model=asked, attempts=[make.attempt(model="x")]), snapshot)
        assert metrics.value(names.M_COST, {"model": asked, "key": "1a2b3c4d"})
        assert metrics.value(names.M_TOKENS, {"model": asked, "kind": "input", "key": "1a2b3c4d"}) == 10


def test_what_a_substitute_used_is_counted_under_its_own_name(make, metrics) -> None:
    sent = make.attempt(model="x", substitute="claude-opus-4-8")
    metrics.call_ended(make.call(attempts=[sent], substituted_model="claude-opus-4-8"), make.snapshot())
    assert metrics.value(names.M_TOKENS, {"model": "claude-opus-4-8", "kind": "input", "key": "1a2b3c4d"})


def test_caller_that_leaves_counts_without_status_and_error(make, metrics) -> None:
    metrics.call_ended(make.call(status=None, cancelled=True), make.snapshot())
    labels = {"route": "anthropic", "model": make.model, "key": "1a2b3c4d"}
    assert metrics.value(names.M_REQUESTS, {"status": "none", "error_type": "none", **labels}) == 1


def test_feature_is_counted_where_the_caller_names_one(make, metrics) -> None:
    metrics.call_ended(make.call(), make.snapshot())
    metrics.call_ended(make.call(feature="search"), make.snapshot())
    named = {"feature": "search", "model": make.model, "status": "200", "error_type": "none"}
    assert metrics.value(names.M_FEATURES, named) == 1
    assert metrics.render_openmetrics().decode().count("claude_sidecar_feature_requests_total{") == 1


def test_model_that_does_not_exist_is_other(make, metrics) -> None:
    sent = make.refused(404, Cause.NOT_FOUND, "not_found_error", model="claude-opus-47")
    record = make.call(
        model="claude-opus-47",
        status=404,
        cause=Cause.NOT_FOUND,
        error_type="not_found_error",
        attempts=[sent],
    )
    metrics.call_ended(record, make.snapshot())
    labels = {"route": "anthropic", "status": "404", "error_type": "not_found_error", "key": "1a2b3c4d"}
    assert metrics.value(names.M_REQUESTS, {"model": "_other", **labels}) == 1
    failed = {"route": "anthropic", "model": "_other", "status": "404", "cause": "NotFound"}
    assert metrics.value(names.M_ATTEMPTS, failed) == 1


def test_breakers_and_limits_of_routes_that_are_gone_go(make, metrics) -> None:
    limits = parse_rate_limits([(b"anthropic-ratelimit-input-tokens-remaining", b"17000")], 0.0)
    metrics.set_ratelimits("second-org", limits)
    metrics.set_breaker("second-org", BreakerState.OPEN)
    metrics.set_breaker("anthropic", BreakerState.PROBING)
    limit = {"route": "second-org", "limit": "input-tokens"}
    assert metrics.value(names.M_RATELIMIT, limit) == 17000
    assert metrics.value(names.M_BREAKER, {"route": "second-org"}) == 2
    metrics.policy_in_force(make.snapshot(routes=(make.route("anthropic"), make.route("new"))))
    assert metrics.value(names.M_RATELIMIT, limit) is None
    assert metrics.value(names.M_BREAKER, {"route": "second-org"}) is None
    assert metrics.value(names.M_BREAKER, {"route": "anthropic"}) == 1
    assert metrics.value(names.M_BREAKER, {"route": "new"}) == 0


def test_how_near_a_limit_is_is_told_by_model_and_forgotten_when_it_is_told_no_more(make, metrics) -> None:
    def limits(remaining: int) -> RateLimits:
        return RateLimits(output_tokens=Bucket(limit=8000, remaining=remaining, reset_s=60.0))

    told = [("anthropic", make.model, limits(400)), ("anthropic", "claude-opus-4-8", limits(8000))]
    metrics.set_limits_left(told, unix_s=0.0)
    of_model = {"route": "anthropic", "model": make.model, "limit": "output-tokens"}
    of_opus = of_model | {"model": "claude-opus-4-8"}
    assert metrics.value(names.M_LIMIT_LEFT, of_model) == 0.05
    assert metrics.value(names.M_LIMIT_LEFT, of_opus) == 1
    metrics.set_limits_left(told[:1], unix_s=60.0)
    assert metrics.value(names.M_LIMIT_LEFT, of_model) == 1  # full again by now
    assert metrics.value(names.M_LIMIT_LEFT, of_opus) is None


def test_stop_reasons_are_counted_by_model_and_key_and_unknown_ones_together(make, metrics) -> None:
    for reason in ("refusal", "refusal", "max_tokens", "a reason of tomorrow", None):
        metrics.call_ended(make.call(attempts=[make.attempt(stop_reason=reason)]), make.snapshot())
    whose = {"model": make.model, "key": "1a2b3c4d"}
    counts = {
        reason: metrics.value(names.M_STOP_REASONS, {"stop_reason": reason, **whose})
        for reason in ("refusal", "max_tokens", "_other", "none")
    }
    assert counts == {"refusal": 2, "max_tokens": 1, "_other": 1, "none": None}


def test_hints_are_counted_by_what_they_say(make, metrics) -> None:
    for name in ("401/outer-spaces", "401/outer-spaces", None):
        metrics.call_ended(make.call(status=401, hint="...", hint_name=name), make.snapshot())
    assert metrics.value(names.M_HINTS, {"hint": "401/outer-spaces"}) == 2
    assert metrics.render_openmetrics().decode().count("claude_sidecar_hints_total{") == 1


def test_blind_repeats_are_counted_by_client_and_key(make, metrics) -> None:
    metrics.call_ended(make.call(blind_repeat="vercel-ai"), make.snapshot())
    metrics.call_ended(make.call(), make.snapshot())
    assert metrics.value(names.M_BLIND_REPEATS, {"client": "vercel-ai", "key": "1a2b3c4d"}) == 1
    assert 'client="none"' not in metrics.render_openmetrics().decode()


def test_only_the_policy_in_force_is_told(make, metrics) -> None:
    metrics.policy_in_force(make.snapshot(generation=4, hash="def"))
    told = re.findall(r"claude_sidecar_policy_info\{.*", metrics.render_openmetrics().decode())
    assert told == [
        'claude_sidecar_policy_info{generation="4",hash="def",namespace="shop",policy="production"} 1.0'
    ]


def test_exemplar_leads_to_the_trace(make, metrics) -> None:
    metrics.call_ended(make.call(), make.snapshot(), "ab" * 16)
    assert f'# {{trace_id="{"ab" * 16}"}} 2.0' in metrics.render_openmetrics().decode()


def test_every_metric_is_there_from_the_start(metrics) -> None:
    text = metrics.render_openmetrics().decode()
    for name in names.METRIC_LABELS:
        assert f"# TYPE {name.removesuffix('_total')} " in text
    for name, labels in names.METRIC_LABELS.items():
        if not labels:
            assert re.search(rf"^{name}(_count)? 0\.0$", text, re.MULTILINE)
    assert "process_resident_memory_bytes" in text
    assert text.endswith("# EOF\n")


def test_series_of_one_metric_are_bounded(make, metrics) -> None:
    for number in range(100):
        for status in range(400, 440):
            record = make.call(status=status, key=f"key{number}", error_type=f"error_{number}", attempts=[])
            metrics.call_ended(record, make.snapshot())
    series = re.findall(
        r"^claude_sidecar_requests_total\{.*?\} (.*)$", metrics.render_openmetrics().decode(), re.MULTILINE
    )
    assert len(series) == MOST_SERIES + 1
    assert sum(float(count) for count in series) == 4000


def test_parsers_read_what_is_rendered(make, metrics) -> None:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    metrics.call_ended(make.call(feature='a"b\\c'), make.snapshot(), "ab" * 16)
    families = {
        family.name for family in text_string_to_metric_families(metrics.render_openmetrics().decode())
    }
    assert {name.removesuffix("_total") for name in names.METRIC_LABELS} <= families


@pytest.mark.parametrize("status", [502, 503, 522])
def test_error_whose_body_names_no_type_counts_as_its_status(status, make, metrics) -> None:
    call = make.call(status=status, error_type=None, cause=Cause.SERVER_ERROR)
    metrics.call_ended(call, make.snapshot())
    whose = {"route": "anthropic", "status": str(status), "model": make.model, "key": "1a2b3c4d"}
    assert metrics.value(names.M_REQUESTS, {"error_type": str(status), **whose}) == 1
    assert metrics.value(names.M_REQUESTS, {"error_type": "none", **whose}) is None

"""Records and a policy for the telemetry tests, made with overrides."""

import dataclasses
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from claude_sidecar.policy.cause import Cause
from claude_sidecar.policy.snapshot import Hold, KeyAlias, PacingMode, Price, Route, Snapshot
from claude_sidecar.telemetry.labels import Labels
from claude_sidecar.telemetry.record import AttemptRecord, CallRecord, Timebase
from claude_sidecar.telemetry.spans import SpanBuilder
from claude_sidecar.wire.tokens import TokenUsage

MODEL = "claude-sonnet-4-6"


class Make:
    """Makes records of a call at second 1000 of the loop's clock; every field may be overridden."""

    model = MODEL
    timebase = Timebase(loop_s=1000.0, unix_ns=1_700_000_000_000_000_000)

    def route(self, name: str, **changes: Any) -> Route:
        made = Route(
            name=name,
            scheme="https",
            host="api.anthropic.com",
            port=443,
            base_path="",
            credential=None,
            models=None,
        )
        return dataclasses.replace(made, **changes)

    def snapshot(self, **changes: Any) -> Snapshot:
        made = Snapshot(
            name="production",
            namespace="shop",
            generation=3,
            hash="abc123",
            routes=(self.route("anthropic"), self.route("second-org")),
            max_attempts=4,
            retry_causes=frozenset({Cause.RATE_LIMIT, Cause.OVERLOADED}),
            backoff_initial_s=1.0,
            backoff_max_s=30.0,
            max_retry_after_s=60.0,
            budget_percent=20.0,
            budget_min_per_s=1.0,
            fallback_causes=frozenset({Cause.OVERLOADED}),
            substitutions={},
            connect_s=5.0,
            first_byte_s=120.0,
            idle_s=90.0,
            total_s=600.0,
            breaker_failure_percent=50.0,
            breaker_min_requests=10,
            breaker_window_s=30.0,
            breaker_open_for_s=15.0,
            hold=Hold.FIRST_DELTA,
            hold_max_s=30.0,
            max_concurrent=512,
            max_body_bytes=32 << 20,
            max_buffered_bytes=64 << 20,
            spool_bytes=256 << 20,
            pacing_mode=PacingMode.OBSERVE,
            pacing_max_wait_s=60.0,
            pacing_max_queued=1000,
            traces_successes_per_s=10.0,
            traces_failures_per_s=50.0,
            traces_propagate=False,
            key_alias=KeyAlias.FINGERPRINT,
            feature_header="x-claude-feature",
            prices={MODEL: Price(Decimal("3"), Decimal("15"), Decimal("0.3"), Decimal("3.75"))},
        )
        return dataclasses.replace(made, **changes)

    def attempt(self, **changes: Any) -> AttemptRecord:
        made = AttemptRecord(
            route="anthropic",
            model=MODEL,
            started_s=1000.1,
            server_address="api.anthropic.com",
            server_port=443,
            url="https://api.anthropic.com/v1/messages",
            ended_s=1002.0,
            first_byte_s=1000.6,
            status=200,
            request_id="req_011",
            key="1a2b3c4d",
            usage=TokenUsage(
                input_tokens=10, output_tokens=20, cache_read_input_tokens=100, cache_creation_input_tokens=7
            ),
            response_model=MODEL,
            response_id="msg_01",
            stop_reason="end_turn",
        )
        return dataclasses.replace(made, **changes)

    def refused(
        self, status: int | None, cause: Cause, error_type: str | None, **changes: Any
    ) -> AttemptRecord:
        """A send that failed: no usage, no model in its answer."""
        nothing: dict[str, Any] = {
            "usage": TokenUsage(),
            "response_model": None,
            "response_id": None,
            "stop_reason": None,
        }
        return self.attempt(status=status, cause=cause, error_type=error_type, **(nothing | changes))

    def call(self, **changes: Any) -> CallRecord:
        """A stream that went well at the first send, one that began at second 1000 of the loop's clock."""
        made = CallRecord(
            call_id="sc_1",
            method="POST",
            path="/v1/messages",
            started_s=1000.0,
            policy="production",
            policy_hash="abc123",
            operation="chat",
            ended_s=1002.0,
            model=MODEL,
            stream=True,
            max_tokens=1024,
            request_bytes=300,
            route="anthropic",
            status=200,
            key="1a2b3c4d",
            request_id="req_011",
            first_byte_s=1000.7,
            first_chunk_s=1000.75,
            added_s=0.0005,
        )
        fresh: dict[str, Any] = {"attempts": [self.attempt()], "waits": [], "fallbacks": []}
        return dataclasses.replace(made, **(fresh | changes))


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def counted_hex() -> Callable[[int], str]:
    """Ids 1, 2, 3 in the place of random ones."""
    numbers = itertools.count(1)
    return lambda digits: f"{next(numbers):0{digits}x}"


@pytest.fixture
def tree(make: Make, counted_hex: Callable[[int], str]) -> Callable[[CallRecord], list[ReadableSpan]]:
    """The spans of a record, as a builder with a known clock and known ids makes them."""
    labels = Labels()
    labels.policy_in_force(make.snapshot())
    builder = SpanBuilder(Resource({}), "1.2.3", labels, lambda: make.timebase, counted_hex)
    return lambda record: list(builder.build(record))

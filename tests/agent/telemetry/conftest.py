"""Records and a policy for the telemetry tests, made with overrides."""

import dataclasses
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from claude_sidecar.causes import Cause
from claude_sidecar.schema.claude_policy import API_VERSION, KIND, ClaudePolicy
from claude_sidecar.schema.compile import compile_policy
from claude_sidecar.schema.snapshot import Route, Snapshot
from claude_sidecar.schema.telemetry import UsageNames
from claude_sidecar.telemetry.attempts import AttemptRecord
from claude_sidecar.telemetry.labels import Labels
from claude_sidecar.telemetry.record import CallRecord, RequestRecord, ResponseRecord, Timebase
from claude_sidecar.telemetry.rollups import Rollups
from claude_sidecar.telemetry.spans import SpanBuilder
from claude_sidecar.telemetry.trouble import Trouble, most_urgent
from claude_sidecar.telemetry.troubles import troubles_of_calls
from claude_sidecar.wire.response_metadata import TokenUsage

MODEL = "claude-sonnet-4-6"
PRICE = {"inputPerMTok": "3", "outputPerMTok": "15", "cacheReadPerMTok": "0.3", "cacheWritePerMTok": "3.75"}
PRODUCTION = compile_policy(
    ClaudePolicy.model_validate(
        {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": "production", "namespace": "shop", "generation": 3},
            "spec": {
                "routes": [{"name": "anthropic"}, {"name": "second-org"}],
                "prices": [{"model": MODEL, **PRICE}],
            },
        }
    )
)
"""Two routes and a price; all else is the policy's own default."""


class Make:
    """Makes records of a call at second 1000 of the loop's clock; any field may be overridden."""

    model = MODEL
    timebase = Timebase(loop_s=1000.0, unix_ns=1_700_000_000_000_000_000)

    def route(self, name: str, **changes: Any) -> Route:
        return dataclasses.replace(PRODUCTION.routes[0], name=name, **changes)

    def snapshot(self, **changes: Any) -> Snapshot:
        return dataclasses.replace(PRODUCTION, **changes)

    def attempt(self, **changes: Any) -> AttemptRecord:
        made = AttemptRecord(
            provider="anthropic",
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
            cost_usd=Decimal("0.00038625"),
            response_model=MODEL,
            response_id="msg_01",
            stop_reason="end_turn",
        )
        return msgspec.structs.replace(made, **changes)

    def refused(
        self, status: int | None, cause: Cause, error_type: str | None, **changes: Any
    ) -> AttemptRecord:
        """A send that failed: no usage, no model in its answer."""
        nothing: dict[str, Any] = {
            "usage": TokenUsage(),
            "cost_usd": None,
            "response_model": None,
            "response_id": None,
            "stop_reason": None,
        }
        return self.attempt(status=status, cause=cause, error_type=error_type, **(nothing | changes))

    def call(self, **changes: Any) -> CallRecord:
        """A stream that went well at the first send, one that began at second 1000 of the loop's clock."""
        request = RequestRecord(
            method="POST",
            path="/v1/messages",
            operation="chat",
            model=MODEL,
            stream=True,
            max_tokens=1024,
            body_bytes=300,
        )
        response = ResponseRecord(attempt=1, route="anthropic", status=200, request_id="req_011")
        made = CallRecord(
            call_id="sc_1",
            policy="production",
            policy_hash="abc123",
            started_s=1000.0,
            ended_s=1002.0,
            request=_changed(request, changes),
            response=_changed(response, changes),
            attempts=(self.attempt(),),
            key="1a2b3c4d",
            first_chunk_s=1000.75,
            added_s=0.0005,
        )
        lists = {name: tuple(value) for name, value in changes.items() if isinstance(value, list)}
        return msgspec.structs.replace(made, **(changes | lists))


def _changed(part: Any, changes: dict[str, Any]) -> Any:
    """A part of a record with those of the changes that are its fields; they are taken out."""
    mine = [name for name in part.__struct_fields__ if name in changes]
    return msgspec.structs.replace(part, **{name: changes.pop(name) for name in mine})


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def counted_hex() -> Callable[[int], str]:
    """Ids 1, 2, 3 in the place of random ones."""
    numbers = itertools.count(1)
    return lambda digits: f"{next(numbers):0{digits}x}"


@pytest.fixture
def tree(make: Make, counted_hex: Callable[[int], str]) -> Callable[..., list[ReadableSpan]]:
    """The spans of a record, as a builder with a known clock and known ids makes them; `usage` by default
    `Auto`."""
    labels = Labels()
    labels.policy_in_force(make.snapshot())
    builder = SpanBuilder(Resource({}), "1.2.3", labels, lambda: make.timebase, counted_hex)
    return lambda record, usage=UsageNames.AUTO: list(builder.build(record, usage))


class Traffic:
    """Calls of one after the other, ten a second."""

    def __init__(self, make) -> None:
        self._make = make
        self._rollups = Rollups()
        self.now = 6000.0

    def call(self, count: int, **changes) -> "Traffic":
        for _ in range(count):
            self.now += 0.1
            self._rollups.call_ended(self._make.call(ended_s=self.now, **changes))
        return self

    plain = call

    def failed(self, count: int, status: int | None, cause: Cause, limit=None, **changes) -> "Traffic":
        """Calls whose one attempt failed, and was delivered."""
        sent = self._make.refused(
            status, cause, f"type_{status}", limit=limit, key=changes.get("key", "1a2b3c4d")
        )
        return self.call(count, status=status or 502, cause=cause, limit=limit, attempts=[sent], **changes)

    def cured(self, count: int, status: int, cause: Cause, limit=None, **changes) -> "Traffic":
        """Calls that went well after an attempt that had failed."""
        sent = self._make.refused(status, cause, f"type_{status}", limit=limit)
        return self.call(
            count, attempts=[sent, self._make.attempt()], attempt=2, retry_outcome="won", **changes
        )

    def mismatch(self, count: int, answered: str) -> "Traffic":
        record = self._make.call(attempts=[self._make.attempt(response_model=answered)])
        for _ in range(count):
            self.call(1)
            self._rollups.model_mismatch(record)
        return self

    def wait(self, seconds: float) -> "Traffic":
        self.now += seconds
        return self

    def lines(self, **routes: str) -> list[Trouble]:
        return most_urgent(troubles_of_calls(self._rollups.read(self.now), routes))


@pytest.fixture
def traffic(make) -> Traffic:
    return Traffic(make)

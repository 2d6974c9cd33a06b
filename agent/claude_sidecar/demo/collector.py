"""A small OTLP/HTTP receiver: what the sidecar exports, as it arrives."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened within a span; at_ns is Unix time."""

    at_ns: int
    name: str
    attributes: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Span:
    """One span as it was exported; ids are hex, parent_id of a span without one is empty."""

    name: str
    kind: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Value]
    events: list[SpanEvent] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        """How long it lasted."""
        return (self.end_ns - self.start_ns) / 1e6


class Collector:
    """Spans by trace id."""

    def __init__(self) -> None:
        self.endpoint = ""
        self._traces: dict[str, list[Span]] = {}
        self._arrived = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Receive on a free loopback port for as long as the block lasts; gives the OTLP endpoint."""
        app = web.Application()
        app.router.add_post("/v1/traces", self._receive)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self.endpoint
        finally:
            await runner.cleanup()

    async def trace(self, trace_id: str, timeout_s: float) -> list[Span]:
        """The spans of a trace once its top span has come, which comes last; what there is by the timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._arrived:
                await self._arrived.wait_for(lambda: self._has_top(trace_id))
        return list(self._traces.get(trace_id, ()))

    def _has_top(self, trace_id: str) -> bool:
        return any(span.kind == "SERVER" for span in self._traces.get(trace_id, ()))

    async def _receive(self, request: web.Request) -> web.Response:
        message = ExportTraceServiceRequest.FromString(await request.read())
        async with self._arrived:
            for resource in message.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        self._traces.setdefault(span.trace_id.hex(), []).append(_read(span))
            self._arrived.notify_all()
        body = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=body, content_type="application/x-protobuf")


def _read(span: WireSpan) -> Span:
    return Span(
        name=span.name,
        kind=WireSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=dict(map(_attribute, span.attributes)),
        events=[
            SpanEvent(event.time_unix_nano, event.name, dict(map(_attribute, event.attributes)))
            for event in span.events
        ],
    )


def _attribute(attribute: KeyValue) -> tuple[str, Value]:
    return attribute.key, _value(attribute.value)


def _value(value: AnyValue) -> Value:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case "bool_value":
            return value.bool_value
        case "array_value":
            return ", ".join(str(_value(item)) for item in value.array_value.values)
        case _:
            return ""

"""One ended call as a trace of three levels, built at once as the SDK's finished spans.

No tracer is used: it would cost 40 us a span whether or not the call is exported, and that is only known
at the end. Imports the OpenTelemetry SDK, so it is imported only where traces are exported.
"""

from collections.abc import Callable, Sequence

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from claude_sidecar.schema.telemetry import UsageNames
from claude_sidecar.telemetry import names
from claude_sidecar.telemetry.api_paths import path_template
from claude_sidecar.telemetry.labels import Labels
from claude_sidecar.telemetry.record import CallRecord, Timebase
from claude_sidecar.telemetry.span_attributes import (
    Attributes,
    attempt_attributes,
    events_of,
    method_of,
    operation_attributes,
    server_attributes,
)

_UNSET = Status(StatusCode.UNSET)
_ERROR = Status(StatusCode.ERROR)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class SpanBuilder:
    """Builds the spans of ended calls.

    timebase: joins the loop's clock to wall time; asked anew for each trace, since wall clocks are set.
    random_hex: so many random hex digits, for ids that the record does not give. resource: who we are.
    """

    def __init__(
        self,
        resource: Resource,
        version: str,
        labels: Labels,
        timebase: Callable[[], Timebase],
        random_hex: Callable[[int], str],
    ) -> None:
        self._resource = resource
        self._scope = InstrumentationScope(names.SCOPE, version, names.SCHEMA_URL)
        self._labels = labels
        self._timebase = timebase
        self._random_hex = random_hex

    def build(self, record: CallRecord, usage: UsageNames) -> Sequence[ReadableSpan]:
        """The trace of a call: the top span, the operation, then one span an attempt.

        usage: under which names the operation tells its tokens.
        """
        at = self._timebase().unix_ns_at
        template = path_template(record.request.path)
        trace = _Trace(self, record)
        top, middle = trace.context(None), trace.context(None)
        wrong, response = record.has_failed, record.response
        # A 4xx is no error of a server's (semantic conventions, HTTP spans); an error inside a 200 is.
        server_failed = wrong and (response.interrupted or not 400 <= (response.status or 0) < 500)
        spans = [
            self._span(
                _server_name(record, template),
                SpanKind.SERVER,
                top,
                trace.remote_parent(),
                (at(record.started_s), at(record.ended_s)),
                server_attributes(record, template, self._labels),
                server_failed,
            ),
            self._span(
                _operation_name(record, template),
                SpanKind.INTERNAL if record.request.operation is None else SpanKind.CLIENT,
                middle,
                top,
                (at(_operation_start(record)), at(record.ended_s)),
                operation_attributes(record, usage),
                wrong,
                [Event(name, attributes, at(when)) for when, name, attributes in events_of(record)],
            ),
        ]
        spans += [self._attempt(record, number, trace, middle, at) for number in range(len(record.attempts))]
        return spans

    def _attempt(
        self,
        record: CallRecord,
        number: int,
        trace: "_Trace",
        parent: SpanContext,
        at: Callable[[float], int],
    ) -> ReadableSpan:
        attempt, method = record.attempts[number], method_of(record)
        return self._span(
            method if method != "_OTHER" else "HTTP",
            SpanKind.CLIENT,
            trace.context(attempt.span_id),
            parent,
            (at(attempt.started_s), at(attempt.ended_s)),
            attempt_attributes(record, number, path_template(record.request.path)),
            attempt.reported_error is not None,
        )

    def _span(
        self,
        name: str,
        kind: SpanKind,
        context: SpanContext,
        parent: SpanContext | None,
        times_ns: tuple[int, int],
        attributes: Attributes,
        failed: bool,
        events: Sequence[Event] = (),
    ) -> ReadableSpan:
        start, end = times_ns
        return ReadableSpan(
            name=name,
            context=context,
            parent=parent,
            resource=self._resource,
            attributes=attributes,
            events=events,
            kind=kind,
            status=_ERROR if failed else _UNSET,
            start_time=start,
            end_time=max(start, end),
            instrumentation_scope=self._scope,
        )

    def new_id(self, digits: int) -> int:
        """A random id that is not zero, which would be invalid."""
        return int(self._random_hex(digits), 16) or 1


class _Trace:
    """The ids of one trace: those that were given or sent, else new ones."""

    __slots__ = ("_builder", "_parent_span_id", "_state", "_trace_id")

    def __init__(self, builder: SpanBuilder, record: CallRecord) -> None:
        self._builder = builder
        given, state = record.trace_id, record.request.tracestate
        self._trace_id = int(given, 16) if given is not None else builder.new_id(32)
        self._parent_span_id = record.request.parent_span_id if given is not None else None
        self._state = TraceState.from_header([state]) if state else None

    def context(self, span_id: str | None) -> SpanContext:
        number = int(span_id, 16) if span_id is not None else self._builder.new_id(16)
        return SpanContext(self._trace_id, number, False, _SAMPLED, self._state)

    def remote_parent(self) -> SpanContext | None:
        if self._parent_span_id is None:
            return None
        return SpanContext(self._trace_id, int(self._parent_span_id, 16), True, _SAMPLED, self._state)


def _server_name(record: CallRecord, template: str | None) -> str:
    method = method_of(record)
    if method == "_OTHER":
        method = "HTTP"
    return method if template is None else f"{method} {template}"


def _operation_name(record: CallRecord, template: str | None) -> str:
    operation, model = record.request.operation, record.request.model
    if operation is None:
        return _server_name(record, template)
    return operation if model is None else f"{operation} {model}"


def _operation_start(record: CallRecord) -> float:
    starts = [record.attempts[0].started_s] if record.attempts else []
    if record.waits:
        starts.append(record.waits[0].at_s)
    return min(starts, default=record.started_s)

"""The trace listener: gate, builder and queue, in this order, so that a closed gate costs nothing."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.telemetry.gate import TraceGate
from claude_sidecar.telemetry.metrics import Metrics
from claude_sidecar.telemetry.record import CallRecord

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


class SpanQueue(Protocol):
    """Where finished traces go."""

    def offer(self, spans: "Sequence[ReadableSpan]") -> bool:
        """Take a trace or refuse it, at once."""

    def close(self, timeout_s: float) -> None:
        """Export what is queued, for so long at most."""


class Traces:
    """Decides for each ended call whether it is traced, and hands its spans to the queue."""

    def __init__(
        self, build: "Callable[[CallRecord], Sequence[ReadableSpan]]", queue: SpanQueue, metrics: Metrics
    ) -> None:
        self._build = build
        self._queue = queue
        self._metrics = metrics
        self._gate = TraceGate()

    def call_ended(self, record: CallRecord, snapshot: Snapshot) -> str | None:
        """Export the call's trace if the gate admits it; the trace id if it was queued."""
        trouble = record.is_noteworthy
        rates = snapshot.telemetry.traces
        rate = rates.failures_per_second if trouble else rates.successes_per_second
        admitted = self._gate.admits(
            record.ended_s, trouble=trouble, parent_sampled=record.request.parent_sampled, per_s=rate
        )
        if admitted and self._queue.offer(spans := self._build(record)):
            return f"{spans[0].context.trace_id:032x}"
        self._metrics.trace_dropped()
        return None

    def close(self, timeout_s: float) -> None:
        """Export what is queued, for so many seconds at most."""
        self._queue.close(timeout_s)

"""The trace listener: gate, builder and queue, in this order, so that a closed gate costs nothing.

The gate lets through a bounded number of calls each second, troubles apart from plain successes.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.schema.telemetry import UsageNames
from claude_sidecar.telemetry.metrics import Metrics
from claude_sidecar.telemetry.record import CallRecord

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


class _TokenBucket:
    """Refills evenly; holds one second's worth, at least one token."""

    __slots__ = ("_at_s", "_tokens")

    def __init__(self) -> None:
        self._at_s: float | None = None
        self._tokens = 0.0

    def take(self, now: float, per_s: float) -> bool:
        if per_s <= 0:
            return False
        room = per_s if per_s > 1.0 else 1.0
        if self._at_s is None:
            self._tokens = room
        elif now > self._at_s:
            self._tokens = min(room, self._tokens + (now - self._at_s) * per_s)
        self._at_s = now if self._at_s is None else max(now, self._at_s)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class TraceGate:
    """Decides at the end of a call whether its trace is exported.

    Rates come with each question, so that a new policy holds at once.
    """

    __slots__ = ("_successes", "_troubles")

    def __init__(self) -> None:
        self._successes = _TokenBucket()
        self._troubles = _TokenBucket()

    def admits(self, now: float, *, trouble: bool, parent_sampled: bool, per_s: float) -> bool:
        """Whether this call is traced.

        now: the loop's clock, seconds. trouble: it failed, was retried or rerouted. parent_sampled: the
        caller's own trace is kept, so ours must be, at no cost to the rates. per_s: the policy's rate for
        this kind of call; 0 traces none.
        """
        if parent_sampled:
            return True
        return (self._troubles if trouble else self._successes).take(now, per_s)


class SpanQueue(Protocol):
    """Where finished traces go."""

    def offer(self, spans: "Sequence[ReadableSpan]") -> bool:
        """Take a trace or refuse it, at once."""

    def close(self, timeout_s: float) -> None:
        """Export what is queued, for so long at most."""


class Traces:
    """Decides for each ended call whether it is traced, and hands its spans to the queue."""

    def __init__(
        self,
        build: "Callable[[CallRecord, UsageNames], Sequence[ReadableSpan]]",
        queue: SpanQueue,
        metrics: Metrics,
    ) -> None:
        self._build = build
        self._queue = queue
        self._metrics = metrics
        self._gate = TraceGate()

    def call_ended(self, record: CallRecord, snapshot: Snapshot) -> str | None:
        """Export the call's trace if the gate admits it; the trace id if it was queued."""
        trouble = record.is_noteworthy
        wanted = snapshot.telemetry.traces
        rate = wanted.failures_per_second if trouble else wanted.successes_per_second
        admitted = self._gate.admits(
            record.ended_s, trouble=trouble, parent_sampled=record.request.parent_sampled, per_s=rate
        )
        if admitted and self._queue.offer(spans := self._build(record, wanted.usage)):
            return f"{spans[0].context.trace_id:032x}"
        self._metrics.trace_dropped()
        return None

    def close(self, timeout_s: float) -> None:
        """Export what is queued, for so many seconds at most."""
        self._queue.close(timeout_s)

"""The way of spans to a collector: the SDK's batching and exporter, kept out of the way of calls and exit.

Imports the OpenTelemetry SDK, so it is imported only where traces are exported.
"""

import logging
import sys
import threading
from collections.abc import Callable, Mapping, Sequence

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
    SpanExportResult,
)

from claude_sidecar.telemetry.names import SERVICE

_QUEUE_SPANS = 2048
_BATCH_SPANS = 512
_QUIET_S = 60.0
_NOISY_LOGGERS = (
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk._shared_internal",
    "urllib3.connectionpool",
)


class OneLineAMinute(logging.Filter):
    """Lets one line through, then none for a minute: a collector that is down is no news each second."""

    def __init__(self) -> None:
        super().__init__()
        self._last_s: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line passes, judged by the record's own time."""
        if self._last_s is not None and 0 <= record.created - self._last_s < _QUIET_S:
            return False
        self._last_s = record.created
        return True


_quiet = OneLineAMinute()


class WatchedExporter(SpanExporter):
    """An exporter whose batches are counted, taken ones and failed ones.

    failed: called from the exporting thread for each batch that the collector did not take.
    """

    def __init__(self, exporter: SpanExporter, failed: Callable[[], None]) -> None:
        self._exporter = exporter
        self._failed = failed
        self._closed = threading.Lock()
        self.taken = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Pass a batch on; an exporter that raises has failed."""
        self.taken += len(spans)
        try:
            result = self._exporter.export(spans)
        except Exception:
            self._failed()
            raise
        if result is not SpanExportResult.SUCCESS:
            self._failed()
        return result

    def shutdown(self) -> None:
        """End the exporter's waits; a second call does nothing."""
        if self._closed.acquire(blocking=False):
            self._exporter.shutdown()


class TraceExport:
    """A bounded queue of traces in front of an exporter.

    queue_spans, batch_spans: bounds of the queue and of one request. A trace that does not fit is refused
    whole; the SDK alone would drop the oldest spans and leave broken traces.
    """

    def __init__(
        self,
        exporter: SpanExporter,
        failed: Callable[[], None],
        queue_spans: int = _QUEUE_SPANS,
        batch_spans: int = _BATCH_SPANS,
    ) -> None:
        for name in _NOISY_LOGGERS:
            logging.getLogger(name).addFilter(_quiet)
        # It warns, with the header's text, of each malformed tracestate; such a one is dropped anyway.
        logging.getLogger("opentelemetry.trace.span").setLevel(logging.ERROR)
        self._exporter = WatchedExporter(exporter, failed)
        self._queue_spans = queue_spans
        self._offered = 0
        self._open = True
        self._processor = BatchSpanProcessor(
            self._exporter, max_queue_size=queue_spans, max_export_batch_size=min(batch_spans, queue_spans)
        )

    def offer(self, spans: Sequence[ReadableSpan]) -> bool:
        """Queue a trace, whose top span is the first; False if it does not fit or the queue is closed.

        Never blocks.
        """
        waiting = self._offered - self._exporter.taken
        if not self._open or waiting + len(spans) > self._queue_spans:
            return False
        self._offered += len(spans)
        # The top span last: who has been sent that has been sent the whole trace, also across batches.
        for span in reversed(spans):
            self._processor.on_end(span)
        return True

    def close(self, timeout_s: float) -> None:
        """Export what is queued, for so many seconds at most.

        The SDK would wait up to 30 s for a dead collector, so its shutdown runs in a daemon thread, for
        which the exit of the process does not wait.
        """
        if not self._open:
            return
        self._open = False
        thread = threading.Thread(target=self._processor.shutdown, name="trace-export-close", daemon=True)
        thread.start()
        thread.join(timeout_s)
        if thread.is_alive():
            self._exporter.shutdown()


def open_export(kind: str, environ: Mapping[str, str], failed: Callable[[], None]) -> TraceExport:
    """An export of a kind (`otlp`, `console`), with the queue that `OTEL_BSP_*` asks for.

    Raises ValueError where a variable's value cannot be used.
    """
    queue_spans = _positive(environ, "OTEL_BSP_MAX_QUEUE_SIZE", _QUEUE_SPANS)
    batch_spans = _positive(environ, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", _BATCH_SPANS)
    exporter: SpanExporter
    if kind == "console":
        exporter = ConsoleSpanExporter(
            out=sys.stdout, formatter=lambda span: span.to_json(indent=None) + "\n"
        )
    else:
        # The exporter brings an HTTP client and protobuf, the larger part of the SDK's memory.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter()
    return TraceExport(exporter, failed, queue_spans, batch_spans)


def service_resource(version: str, instance_id: str) -> Resource:
    """Who we are: our defaults, overruled by `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`.

    instance_id: `service.instance.id` outside Kubernetes; in a pod it is namespace.pod.container, as the
    conventions ask for.
    """
    given = OTELResourceDetector().detect().attributes
    pod = [given.get(f"k8s.{part}.name") for part in ("namespace", "pod", "container")]
    defaults = {
        "service.name": SERVICE,
        "service.version": version,
        "service.instance.id": ".".join(str(part) for part in pod) if all(pod) else instance_id,
    }
    return Resource.create({name: value for name, value in defaults.items() if name not in given})


def _positive(environ: Mapping[str, str], variable: str, default: int) -> int:
    text = environ.get(variable, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{variable} is {text!r}; allowed is a whole number from 1")
    return int(text)

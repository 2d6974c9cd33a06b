"""The histograms of the GenAI conventions, as OpenTelemetry's translation to Prometheus names them."""

from prometheus_client import CollectorRegistry

from claude_sidecar.telemetry import names
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.telemetry.series import Histogram

# The conventions' buckets, with three of our own above them: long thinking outlasts 82 seconds.
_DURATION_BUCKETS = (*(0.01 * 2**n for n in range(14)), 163.84, 327.68, 655.36)
_TOKEN_BUCKETS = tuple(float(4**n) for n in range(14))


class GenAiMetrics:
    """Of inference calls, by what was delivered."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tokens = Histogram(
            registry, names.M_GEN_AI_TOKENS, "Tokens of the responses delivered.", _TOKEN_BUCKETS
        )
        self._duration = Histogram(
            registry, names.M_GEN_AI_DURATION, "Duration of inference calls.", _DURATION_BUCKETS
        )
        self._first_chunk = Histogram(
            registry, names.M_GEN_AI_FIRST_CHUNK, "Time to first chunk of streams.", _DURATION_BUCKETS
        )

    def call_ended(
        self, record: CallRecord, operation: str, model: str, error: str, trace_id: str | None
    ) -> None:
        """Count an ended inference call.

        operation: of the record; model, error: as label values; trace_id: under which its trace was exported.
        """
        # An empty label equals an absent one in Prometheus, as OpenTelemetry's translation leaves it.
        label = "" if error == names.NONE else error
        provider = record.provider
        seconds = record.ended_s - record.started_s
        self._duration.observe((operation, provider, model, label), seconds, trace_id)
        if record.request.stream and record.first_chunk_s is not None:
            self._first_chunk.observe(
                (operation, provider, model), record.first_chunk_s - record.started_s, trace_id
            )
        sent = record.answered_by
        if sent is None or operation == names.OPERATION_COUNT_TOKENS:
            return
        usage = sent.usage
        total_input = usage.total_input()
        if total_input is not None and usage.output_tokens is not None:
            self._tokens.observe((operation, provider, model, "input"), total_input)
            self._tokens.observe((operation, provider, model, "output"), usage.output_tokens)

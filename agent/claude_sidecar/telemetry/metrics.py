"""What `/metrics` shows: counted when a call has ended, from its record alone."""

from collections.abc import Iterable, Mapping
from operator import attrgetter

from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.process_collector import ProcessCollector

from claude_sidecar.causes import Cause
from claude_sidecar.policy.breaker import BreakerState
from claude_sidecar.policy.rate_limits import BUCKETS, NO_LIMITS, Bucket, RateLimits
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.telemetry import names
from claude_sidecar.telemetry.attempts import AttemptRecord
from claude_sidecar.telemetry.cost import left_out
from claude_sidecar.telemetry.gen_ai_metrics import GenAiMetrics
from claude_sidecar.telemetry.labels import Labels
from claude_sidecar.telemetry.record import CallRecord
from claude_sidecar.telemetry.series import Counter, Gauge, Histogram

OPENMETRICS_CONTENT_TYPE = CONTENT_TYPE_LATEST

_FIRST_CHUNK_BUCKETS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8)
_WAIT_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
_ADDED_BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0, 30.0, 60.0)

_BREAKER_VALUES = {BreakerState.CLOSED: 0, BreakerState.PROBING: 1, BreakerState.OPEN: 2}
_BUCKETS = tuple((field.replace("_", "-"), attrgetter(field)) for field in BUCKETS)
_WAIT_REASONS = frozenset({"retry-after", "backoff", "budget"})
_RETRY_OUTCOMES = frozenset({"won", "exhausted", "refused"})


class Metrics:
    """All metrics of one process, in a registry of their own.

    Names and labels: `names.METRIC_LABELS`; bounds of label values: `Labels`. One thread, the event loop's,
    counts and renders; only `export_failed` may be called from another.
    """

    def __init__(self, labels: Labels | None = None) -> None:
        registry, n = CollectorRegistry(), names
        self._registry, self.labels = registry, labels or Labels()
        self._requests = Counter(registry, n.M_REQUESTS, "Calls of the app that ended, as delivered.")
        self._attempts = Counter(registry, n.M_ATTEMPTS, "Attempts, a failed connect included.")
        self._retries = Counter(registry, n.M_RETRIES, "Repeats sent, and what became of repeated calls.")
        self._limits = Counter(registry, n.M_LIMITS, "Responses 429, by the limit that was hit.")
        self._fallbacks = Counter(registry, n.M_FALLBACKS, "Moves to another route.")
        self._features = Counter(registry, n.M_FEATURES, "Calls that name their feature.")
        self._tokens = Counter(registry, n.M_TOKENS, "Tokens of every attempt, in the API's raw parts.")
        self._cost = Counter(registry, n.M_COST, "US dollars of every attempt at the policy's prices.")
        self._unpriced = Counter(registry, n.M_UNPRICED, "Usage that the policy names no price for.")
        self._stop_reasons = Counter(registry, n.M_STOP_REASONS, "Why models stopped, of what was delivered.")
        self._hints = Counter(
            registry, n.M_HINTS, "Failures that were delivered with a hint, by what it says."
        )
        self._blind_repeats = Counter(registry, n.M_BLIND_REPEATS, "Calls sent again although told not to.")
        self._mismatches = Counter(registry, n.M_MISMATCHES, "Responses that name another model.")
        self._policy_errors = Counter(registry, n.M_POLICY_ERRORS, "Policies refused.")
        self._traces_dropped = Counter(registry, n.M_TRACES_DROPPED, "Traces not exported.")
        self._listener_errors = Counter(registry, n.M_LISTENER_ERRORS, "Records a listener failed on.")
        self._in_flight = Gauge(registry, n.M_IN_FLIGHT, "Calls that have not ended.")
        self._connections = Gauge(registry, n.M_CONNECTIONS, "Callers' connections that are open.")
        self._breakers = Gauge(registry, n.M_BREAKER, "Circuit: 0 closed, 1 half-open, 2 open.")
        self._ratelimits = Gauge(registry, n.M_RATELIMIT, "What the last response left of a limit.")
        self._limits_left = Gauge(registry, n.M_LIMIT_LEFT, "The share of a model's limit that is left.")
        self._policy = Gauge(registry, n.M_POLICY, "The policy in force, always 1.")
        self._policy_refused = Gauge(registry, n.M_POLICY_REFUSED, "Whether the newest policy is refused.")
        self._wait = Histogram(registry, n.M_WAIT, "Pauses before attempts.", _WAIT_BUCKETS)
        self._added = Histogram(registry, n.M_ADDED_LATENCY, "Time in the sidecar.", _ADDED_BUCKETS)
        self._first_chunk = Histogram(
            registry, n.M_FIRST_CHUNK, "From a stream's call to its first chunk.", _FIRST_CHUNK_BUCKETS
        )
        self._gen_ai = GenAiMetrics(registry)
        self._export_failures = Counter(registry, n.M_EXPORT_FAILURES, "Batches not taken.")
        ProcessCollector(registry=registry)
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """What is there before it is counted: else the first increase is seen by no rate."""
        for outcome in ("sent", "won", "exhausted", "refused"):
            self._retries.add((outcome,), 0)
        for count in (
            self._policy_errors,
            self._traces_dropped,
            self._export_failures,
            self._listener_errors,
        ):
            count.add((), 0)
        self._in_flight.put((), 0)
        self._policy_refused.put((), 0)

    def call_ended(self, record: CallRecord, snapshot: Snapshot, trace_id: str | None = None) -> None:
        """Count an ended call. trace_id: under which its trace was exported, if it was."""
        labels = self.labels
        model = labels.model(record.request.model, learn=record.response.cause is not Cause.NOT_FOUND)
        key = labels.key(record.key)
        status = labels.status(record.response.status)
        error = labels.error_type(record.error)
        self._requests.add((labels.route(record.response.route), model, status, error, key))
        self._added.observe((), record.added_s)
        if (sent := record.answered_by) is not None and sent.stop_reason is not None:
            self._stop_reasons.add((model, labels.stop_reason(sent.stop_reason), key))
        if record.response.hint_name is not None:
            self._hints.add((record.response.hint_name,))
        if record.request.blind_repeat is not None:
            self._blind_repeats.add((record.request.blind_repeat, key))
        if record.request.feature:
            self._features.add((labels.feature(record.request.feature), model, status, error))
        for attempt in record.attempts:
            self._attempt(record, attempt, model, key)
        if len(record.attempts) > 1 or record.retry_outcome is not None or record.waits or record.fallbacks:
            self._repeats(record)
        if record.request.stream and record.first_chunk_s is not None:
            self._first_chunk.observe((), record.first_chunk_s - record.started_s)
        if record.request.operation is not None:
            self._gen_ai.call_ended(record, record.request.operation, model, error, trace_id)

    def _attempt(self, record: CallRecord, attempt: AttemptRecord, model: str, key: str) -> None:
        labels = self.labels
        if attempt.substitute is not None:
            model = labels.model(attempt.substitute)
        if attempt.key != names.NONE and attempt.key != record.key:
            # A limit is that of the key that was sent, which is billed, too; it may differ by route.
            key = labels.key(attempt.key)
        cause = attempt.cause.value if attempt.cause is not None else names.NONE
        route = labels.route(attempt.route)
        self._attempts.add((route, model, labels.status(attempt.status), cause))
        if attempt.limit is not None:
            self._limits.add((route, model, attempt.limit, key))
        usage = attempt.usage
        if usage.input_tokens is None and usage.output_tokens is None:
            return
        if record.request.operation == names.OPERATION_COUNT_TOKENS:
            # What it counts was not processed, and is not billed.
            return
        tokens = self._tokens
        if usage.input_tokens:
            tokens.add((model, "input", key), usage.input_tokens)
        if usage.output_tokens:
            tokens.add((model, "output", key), usage.output_tokens)
        if usage.cache_read_input_tokens:
            tokens.add((model, "cache_read", key), usage.cache_read_input_tokens)
        if usage.cache_creation_input_tokens:
            tokens.add((model, "cache_creation", key), usage.cache_creation_input_tokens)
        if attempt.cost_usd is not None:
            self._cost.add((model, key), attempt.cost_usd)
        if attempt.unpriced:
            for kind, amount in left_out(usage, attempt.unpriced):
                self._unpriced.add((model, kind), amount)

    def _repeats(self, record: CallRecord) -> None:
        if len(record.attempts) > 1:
            self._retries.add(("sent",), len(record.attempts) - 1)
        if record.retry_outcome in _RETRY_OUTCOMES:
            self._retries.add((record.retry_outcome,))
        for wait in record.waits:
            reason = wait.reason if wait.reason in _WAIT_REASONS else names.OTHER
            self._wait.observe((reason,), wait.seconds)
        for move in record.fallbacks:
            routes = (self.labels.route(move.from_route), self.labels.route(move.to_route))
            self._fallbacks.add((*routes, move.cause.value))

    def set_breaker(self, route: str, state: BreakerState) -> None:
        """The state of a route: the worst of its models'."""
        self._breakers.put((self.labels.route(route),), _BREAKER_VALUES[state])

    def set_ratelimits(self, route: str, limits: RateLimits) -> None:
        """What a response says is left of each limit that it names."""
        if limits is NO_LIMITS:
            return
        name = self.labels.route(route)
        for limit, bucket_of in _BUCKETS:
            bucket: Bucket | None = bucket_of(limits)
            if bucket is not None and bucket.remaining is not None:
                self._ratelimits.put((name, limit), bucket.remaining)

    def set_limits_left(self, told: Iterable[tuple[str, str, RateLimits]], unix_s: float) -> None:
        """How near limits are. told: a route, a model and what its last response said, of each that has told
        of late; what is not among them is forgotten. unix_s: now, wall time."""
        self._limits_left.keep_first_label(set())
        for route, model, limits in told:
            labels = (self.labels.route(route), self.labels.model(model or None))
            for limit, bucket_of in _BUCKETS:
                bucket: Bucket | None = bucket_of(limits)
                left = bucket.share_left(unix_s) if bucket is not None else None
                if left is not None:
                    self._limits_left.put((*labels, limit), left)

    def policy_in_force(self, snapshot: Snapshot) -> None:
        """A policy was put in force: its names become labels, gauges of routes that are gone go."""
        self.labels.policy_in_force(snapshot)
        routes = {route.name for route in snapshot.routes}
        self._breakers.keep_first_label(routes)
        self._ratelimits.keep_first_label(routes if snapshot.pacing.learns else set())
        for route in routes:
            self._breakers.add((route,), 0)
        self._policy.keep_first_label(set())
        self._policy.put((snapshot.name, snapshot.namespace, str(snapshot.generation), snapshot.hash), 1)

    def model_mismatch(self, route: str, model: str | None) -> None:
        """A response named another model than the one asked for."""
        self._mismatches.add((self.labels.route(route), self.labels.model(model)))

    def policy_error(self) -> None:
        """A policy was refused."""
        self._policy_errors.add(())

    def set_in_flight(self, calls: int) -> None:
        """How many calls have not ended."""
        self._in_flight.put((), calls)

    def set_connections(self, port: str, connections: int) -> None:
        """How many connections are open; port: `data` or `admin`."""
        self._connections.put((port,), connections)

    def set_policy_refused(self, refused: bool) -> None:
        """Whether the newest policy is not in force."""
        self._policy_refused.put((), int(refused))

    def trace_dropped(self) -> None:
        """A call's trace was not exported: over the rate, or the queue to the collector was full."""
        self._traces_dropped.add(())

    def export_failed(self) -> None:
        """The collector did not take a batch; called by the exporting thread, and no other."""
        self._export_failures.add(())

    def listener_failed(self) -> None:
        """A listener raised."""
        self._listener_errors.add(())

    def render_openmetrics(self) -> bytes:
        """The text for a scraper; its content type is `OPENMETRICS_CONTENT_TYPE`."""
        text: bytes = generate_latest(self._registry)  # type: ignore[no-untyped-call]
        return text

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float | None:
        """One sample's value, None if it is not there."""
        return self._registry.get_sample_value(name, dict(labels or {}))

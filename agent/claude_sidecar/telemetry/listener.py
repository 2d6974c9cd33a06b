"""Fans each finished request out to metrics, traces, log and the recent-requests list."""

import logging
from collections.abc import Callable, Iterable, Mapping

from claude_sidecar.policy.breaker import BreakerState
from claude_sidecar.policy.rate_limits import RateLimits
from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.telemetry import call_log, names
from claude_sidecar.telemetry.blind_repeat_log import BlindRepeatLog
from claude_sidecar.telemetry.exporter import start_traces
from claude_sidecar.telemetry.labels import Labels
from claude_sidecar.telemetry.log import event
from claude_sidecar.telemetry.metrics import Metrics
from claude_sidecar.telemetry.record import CallRecord, Timebase
from claude_sidecar.telemetry.request_list import RequestList
from claude_sidecar.telemetry.rollups import Rollups
from claude_sidecar.telemetry.traces import Traces

logger = logging.getLogger(__name__)


class Telemetry:
    """Listens to calls. Nothing in here raises: a listener's fault is counted, and logged once a kind.

    To be used from the event loop's thread only, `close` excepted.
    """

    def __init__(self, metrics: Metrics, traces: Traces | None, timebase: Callable[[], Timebase]) -> None:
        """timebase: joins the loop's clock to wall time, now."""
        self.metrics = metrics
        self.timebase = timebase
        self.requests = RequestList(timebase)
        self.rollups = Rollups()
        self._traces = traces
        self._told: set[str] = set()
        self._blind_repeats = BlindRepeatLog()

    def call_ended(self, record: CallRecord, snapshot: Snapshot) -> None:
        """A call is over. snapshot: the policy that it went by."""
        trace_id = None
        if self._traces is not None:
            try:
                trace_id = self._traces.call_ended(record, snapshot)
            except Exception as error:
                self._failed("traces", error)
        # Each for itself: what one of them can't take, the others count all the same.
        try:
            self.requests.call_ended(record, trace_id)
        except Exception as error:
            self._failed("requests", error)
        try:
            self.rollups.call_ended(record)
        except Exception as error:
            self._failed("rollups", error)
        try:
            self.metrics.call_ended(record, snapshot, trace_id)
        except Exception as error:
            self._failed("metrics", error)
        try:
            call_log.call_ended(record, self.metrics.labels, trace_id)
            if record.wrong_model is not None:
                call_log.mismatch(record)
                self.metrics.model_mismatch(record.response.route, record.request.model)
                self.rollups.model_mismatch(record)
            if (client := record.request.blind_repeat) is not None:
                self._blind_repeats.call_ended(record, client)
        except Exception as error:
            self._failed("log", error)

    def set_breaker(self, route: str, state: BreakerState) -> None:
        """A route's circuit changed; state: the worst of its models'."""
        self.metrics.set_breaker(route, state)

    def set_in_flight(self, calls: int) -> None:
        """How many calls have not ended."""
        self.metrics.set_in_flight(calls)

    def set_connections(self, port: str, connections: int) -> None:
        """How many connections are open; port: `data` or `admin`."""
        self.metrics.set_connections(port, connections)

    def set_policy_refused(self, refused: bool) -> None:
        """Whether the newest policy is not in force."""
        self.metrics.set_policy_refused(refused)

    def set_ratelimits(self, route: str, limits: RateLimits) -> None:
        """A response told what is left of the route's limits."""
        self.metrics.set_ratelimits(route, limits)

    def set_limits_left(self, told: Iterable[tuple[str, str, RateLimits]], unix_s: float) -> None:
        """How near limits are; told: a route, a model and what its last response said, of all that count."""
        self.metrics.set_limits_left(told, unix_s)

    def policy_in_force(self, snapshot: Snapshot) -> None:
        """A policy was put in force, at start or by a reload."""
        self.metrics.policy_in_force(snapshot)
        event(
            logger,
            logging.INFO,
            names.LOG_POLICY,
            policy=snapshot.name,
            namespace=snapshot.namespace,
            generation=snapshot.generation,
            hash=snapshot.hash,
            routes=[route.name for route in snapshot.routes],
        )

    def policy_refused(self, error: str) -> None:
        """A new policy was refused; error: what is wrong with it, as the user is told."""
        self.metrics.policy_error()
        event(logger, logging.ERROR, names.LOG_POLICY_REFUSED, error=error)

    def close(self, timeout_s: float = 2.0) -> None:
        """Export what is still queued; blocks for `timeout_s` at most, so call it off the loop."""
        if self._traces is not None:
            self._traces.close(timeout_s)

    def _failed(self, listener: str, error: Exception) -> None:
        self.metrics.listener_failed()
        if listener not in self._told:
            self._told.add(listener)
            logger.error(names.LOG_LISTENER, exc_info=error, extra={"facts": {"listener": listener}})


def start_telemetry(
    environ: Mapping[str, str],
    *,
    version: str,
    timebase: Callable[[], Timebase],
    random_hex: Callable[[int], str],
) -> Telemetry:
    """The telemetry of one process, traces as `OTEL_*` variables ask for.

    environ: the process's own. timebase: joins the loop's clock to wall time, now. random_hex: so many
    random hex digits.
    """
    labels = Labels()
    metrics = Metrics(labels)
    traces = start_traces(
        environ, version=version, metrics=metrics, labels=labels, timebase=timebase, random_hex=random_hex
    )
    return Telemetry(metrics, traces, timebase)

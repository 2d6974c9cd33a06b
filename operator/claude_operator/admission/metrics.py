"""What the webhook tells Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0)


class Metrics:
    """Counters of one replica."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._reviews = Counter(
            "claude_operator_reviews",
            "Reviews answered, by the object's kind and what became of it; none is ever refused.",
            ("kind", "outcome"),
            registry=self._registry,
        )
        self._bad = Counter(
            "claude_operator_bad_requests",
            "Requests that were no review.",
            registry=self._registry,
        )
        self._seconds = Histogram(
            "claude_operator_review_seconds",
            "Time from a whole request to its answer.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._expires = Gauge(
            "claude_operator_webhook_certificate_expiry_timestamp_seconds",
            "When the certificate in use ends; 0 without one.",
            registry=self._registry,
        )
        self._ready = Gauge(
            "claude_operator_webhook_ready",
            "1 while API servers trust the certificate in use.",
            registry=self._registry,
        )

    def answered(self, kind: str, outcome: str, seconds: float) -> None:
        """A review was answered. kind: a known one, else it is counted as `other`."""
        self._reviews.labels(kind, outcome).inc()
        self._seconds.observe(seconds)

    def refused(self) -> None:
        """A request was no review."""
        self._bad.inc()

    def text(self, expires: float, ready: bool) -> bytes:
        """The page; expires: seconds since 1970."""
        self._expires.set(expires)
        self._ready.set(int(ready))
        page: bytes = generate_latest(self._registry)  # type: ignore[no-untyped-call]
        return page

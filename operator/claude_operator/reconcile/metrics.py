"""Metrics of the reconciling process, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Everything that is counted; label values are bounded."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.writes = self._counter("writes", "Requests that change something.", "what", "result")
        self.asks = self._counter("sidecar_asks", "Sidecars asked for their status.", "result")
        self.passes = self._counter("passes", "Decisions carried out.", "about", "result")
        self.watched = self._counter("watch_events", "Objects that watches and lists told of.", "kind")
        self.ghosts = self._counter("missed_deletions", "Objects that were gone without a word.", "kind")
        self.pass_seconds = Histogram(
            "claude_operator_pass_seconds", "Time of one decision, writes included.", registry=self._registry
        )
        self.queue = self._gauge("queue_length", "Decisions that wait or are under way.")
        self.oldest = self._gauge("queue_oldest_seconds", "How long the oldest decision has waited.")
        self.leader = self._gauge("leader", "1 while this process holds the Lease.")
        self.blind = self._gauge("blind_watches", "Kinds whose watch does not tell what lists do.")
        self.policies = self._gauge("policies", "Policies by the status of a condition.", "type", "status")
        self.pods = self._gauge("pods", "Pods with a started sidecar, by whether it answers.", "state")
        self.policy_pods = self._gauge(
            "policy_pods",
            "Pods of a policy, as its status counts them.",
            "policy_namespace",
            "policy",
            "state",
        )
        self.without_sidecar = self._gauge(
            "pods_without_sidecar", "Pods that ask for a sidecar and have none.", "workload_namespace", "why"
        )
        self.uncopied = self._gauge(
            "uncopied_annotations",
            "Workloads whose annotation did not reach their pod template.",
            "workload_namespace",
        )

    def render(self) -> bytes:
        """All of it in OpenMetrics text."""
        rendered: bytes = generate_latest(self._registry)  # type: ignore[no-untyped-call]
        return rendered

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"claude_operator_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"claude_operator_{name}", text, labels, registry=self._registry)

"""Sets the gauges from what is known, now and then."""

from collections import Counter
from collections.abc import Mapping

from claude_operator.desired.conditions import OURS
from claude_operator.desired.lacking import is_uncopied, why_without
from claude_operator.desired.world import Namespace
from claude_operator.reconcile.asker import Asker
from claude_operator.reconcile.keys import Key
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.store import Store
from claude_operator.reconcile.work_queue import WorkQueue
from claude_sidecar import clock

EVERY_S = 5.0
_STATES = {
    "total": "total",
    "current": "current",
    "stale": "stale",
    "unreachable": "unreachable",
    "restartRequired": "restart_required",
    "outdated": "outdated",
}
"""Fields of `status.pods`, and what metrics call them."""


async def set_gauges(metrics: Metrics, queue: WorkQueue[Key], store: Store, asker: Asker | None) -> None:
    """Set them until cancelled; those of the queue are as they are when somebody looks."""
    metrics.queue.set_function(lambda: len(queue))
    metrics.oldest.set_function(queue.waiting_s)
    while True:
        _conditions(metrics, store)
        _policy_pods(metrics, store)
        _pods(metrics, store, asker)
        _lacking(metrics, store)
        await clock.sleep(EVERY_S)


def _conditions(metrics: Metrics, store: Store) -> None:
    found: Counter[tuple[str, str]] = Counter()
    for policy in store.policies.values():
        for each in policy["status"].get("conditions") or ():
            found[each["type"], each["status"]] += 1
    for kind in OURS:
        for status in ("True", "False", "Unknown"):
            metrics.policies.labels(kind, status).set(found[kind, status])


def _pods(metrics: Metrics, store: Store, asker: Asker | None) -> None:
    reports: Mapping[str, object] = asker.reports if asker is not None else {}
    silent = sum(report is None for report in reports.values())
    metrics.pods.labels("answering").set(len(reports) - silent)
    metrics.pods.labels("silent").set(silent)
    metrics.pods.labels("all").set(sum(pod.counts for pod in store.pods.values()))


def _policy_pods(metrics: Metrics, store: Store) -> None:
    metrics.policy_pods.clear()  # policies that are gone
    for (namespace, policy), body in store.policies.items():
        counted = body["status"].get("pods") or {}
        for field, state in _STATES.items():
            metrics.policy_pods.labels(namespace, policy, state).set(counted.get(field, 0))


def _lacking(metrics: Metrics, store: Store) -> None:
    pods: Counter[tuple[str, str]] = Counter()
    for pod in store.pods.values():
        why = why_without(pod, _namespace(store, pod.namespace))
        if why is not None:
            pods[pod.namespace, why] += 1
    uncopied = Counter(
        workload.subject.namespace
        for workload in store.workloads.values()
        if workload.owner is None and is_uncopied(workload, _namespace(store, workload.subject.namespace))
    )
    metrics.without_sidecar.clear()
    for labels, count in pods.items():
        metrics.without_sidecar.labels(*labels).set(count)
    metrics.uncopied.clear()
    for namespace, count in uncopied.items():
        metrics.uncopied.labels(namespace).set(count)


def _namespace(store: Store, name: str) -> Namespace:
    return store.namespaces.get(name) or Namespace(name, "")

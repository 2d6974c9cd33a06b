"""Sets the gauges from what is known, now and then."""

from collections import Counter
from collections.abc import Mapping

from claude_operator.desired.conditions import OURS
from claude_operator.reconcile.asker import Asker
from claude_operator.reconcile.keys import Key
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.store import Store
from claude_operator.reconcile.work_queue import WorkQueue
from claude_sidecar import clock

EVERY_S = 5.0


async def set_gauges(metrics: Metrics, queue: WorkQueue[Key], store: Store, asker: Asker | None) -> None:
    """Set them until cancelled."""
    while True:
        metrics.queue.set(len(queue))
        metrics.oldest.set(queue.waiting_s())
        _conditions(metrics, store)
        _pods(metrics, store, asker)
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

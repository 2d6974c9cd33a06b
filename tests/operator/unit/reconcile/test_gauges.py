"""The gauges: what they say of the objects that are known, and that what is gone goes from them too."""

import asyncio
from collections.abc import Callable

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support.worlds.make import world
from support.worlds.objects import namespace, owner, pod, policy, workload

from claude_operator import names
from claude_operator.desired.lacking import why_without
from claude_operator.reconcile.gauges import set_gauges
from claude_operator.reconcile.keys import Key
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.store import Store
from claude_operator.reconcile.work_queue import WorkQueue

Shown = dict[tuple[str, ...], float]
Show = Callable[[str], Shown]
ASKS = {names.POLICY: "production"}


@pytest.fixture
def store() -> Store:
    return Store(lambda _: None)


@pytest.fixture
def show(store: Store) -> Show:
    """A gauge's values by those of its labels, in the order of their names, as set from the store."""
    metrics = Metrics()
    queue: WorkQueue[Key] = WorkQueue()

    async def set_once() -> None:
        setting = asyncio.create_task(set_gauges(metrics, queue, store, None))
        await asyncio.sleep(0)
        setting.cancel()
        await asyncio.gather(setting, return_exceptions=True)

    def shown(name: str) -> Shown:
        asyncio.run(set_once())
        families = text_string_to_metric_families(metrics.render().decode())
        (family,) = [each for each in families if each.name == f"claude_operator_{name}"]
        return {tuple(sample.labels.values()): sample.value for sample in family.samples}

    return shown


def test_pods_of_a_policy_are_those_that_its_status_counts(store: Store, show: Show) -> None:
    counted = {"total": 5, "current": 2, "stale": 1, "unreachable": 2, "restartRequired": 1, "outdated": 3}
    store.put(policy(status={"pods": counted}))
    store.put(policy("fresh", status={}))
    shown = show("policy_pods")
    assert {state: count for (name, _, state), count in shown.items() if name == "production"} == {
        "total": 5,
        "current": 2,
        "stale": 1,
        "unreachable": 2,
        "restart_required": 1,
        "outdated": 3,
    }
    assert shown["fresh", "shop", "total"] == 0
    store.drop(policy())
    assert {name for name, _, _ in show("policy_pods")} == {"fresh"}


def test_pods_without_the_sidecar_that_they_ask_for_are_counted_by_why(store: Store, show: Show) -> None:
    by_default = pod("by-default", "bakery", policy=None)
    seen = world(
        namespaces=[namespace(), namespace("bakery", labels=ASKS)],
        pods=[
            pod("has-one"),
            pod("came-too-early", injected=False),
            pod("host", injected=False, annotations={names.STATUS: "skipped: hostNetwork"}),
            pod("over", injected=False, phase="Succeeded"),
            pod("going", injected=False, terminating=True),
            pod("refuses", injected=False, annotations={names.INJECT: "false"}),
            pod("never-asked", policy=None),
            by_default,
        ],
    )
    for each in (*seen.namespaces.values(), *seen.pods):
        store.put(each)
    assert show("pods_without_sidecar") == {
        ("missing", "shop"): 1,
        ("skipped", "shop"): 1,
        ("missing", "bakery"): 1,
    }
    (gone,) = world(pods=[by_default]).pods
    store.drop(gone)
    assert ("missing", "bakery") not in show("pods_without_sidecar")


def test_annotations_that_never_came_to_the_template_are_counted(store: Store, show: Show) -> None:
    copied = {**ASKS, names.POLICY_FROM: names.FROM_WORKLOAD}
    seen = world(
        workloads=[
            workload(name="missed", annotations=ASKS),
            workload("StatefulSet", "stale", annotations=ASKS, template={**copied, names.POLICY: "older"}),
            workload(name="copied", annotations=ASKS, template=copied),
            workload(name="its-own", annotations=ASKS, template={names.POLICY: "other"}),
            workload("ReplicaSet", "missed-1", annotations=ASKS, owner=owner("Deployment", "missed")),
            workload(name="off", annotations={**ASKS, names.INJECT: "false"}),
        ]
    )
    for each in seen.workloads:
        store.put(each)
    assert show("uncopied_annotations") == {("shop",): 2}


def test_nothing_is_lacking_where_nothing_is_injected() -> None:
    excluded = Store(lambda _: None, {"shop"})
    seen = world(pods=[pod(injected=False)], workloads=[workload(annotations=ASKS)])
    for each in (*seen.namespaces.values(), *seen.pods, *seen.workloads):
        excluded.put(each)
    assert excluded.namespaces["shop"].excluded
    (bare,) = excluded.pods.values()
    assert why_without(bare, excluded.namespaces["shop"]) is None

"""What is measured by hand on a whole cluster, run in small so that it still works when somebody does."""

import pytest
from bench.cluster.edits import until_in_force
from bench.cluster.light_pods import light_pods
from bench.cluster.memory import working_sets
from bench.cluster.starts import starts
from bench.soak.soak import soak
from support.cluster.waiting import until
from support.release.shop import Shop
from support.release.stage import Stage

pytestmark = pytest.mark.whole_cluster


def test_soak_finds_nothing_wrong(on_stage: Stage, shop: Shop) -> None:
    assert soak(on_stage, shop, pods=2, calls_per_second=20, seconds=6) == []


def test_cluster_benchmark_measures_starts_edits_and_memory(shop: Shop) -> None:
    (start,) = starts(shop, times=1)
    assert min(start.plain, start.injected, start.unprobed) > 0
    pods = light_pods(shop, 2)
    shop.policies.wait_for("Programmed", "True/Programmed")
    assert len(until_in_force(shop, pods, 3, within_s=30)) == 2
    ours = (shop.namespace, "claude-sidecar")
    until(lambda: max(working_sets(shop.cluster).get(ours, [0])) > 5, "the kubelet counts", seconds=60)

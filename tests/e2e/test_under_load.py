"""Restarts and outages while apps call steadily, with no repeats of their own: no call fails."""

import http.client
import json
from collections.abc import Iterator

import pytest
from support.cluster.waiting import until
from support.cluster.whole.whole_cluster import WholeCluster
from support.release.app import POLICY, App
from support.release.manifests import PORT
from support.release.rollout import pods_of, roll_out
from support.release.shop import Shop
from support.release.stage import Stage
from support.release.tally import Tally

pytestmark = pytest.mark.whole_cluster

CALLS_PER_SECOND = 20
FAULTS = ({"match": {"key": "first", "call": "every 7"}, "status": 529},)
"""Cured by the second route."""


@pytest.fixture
def tally(shop: Shop) -> Tally:
    """Counts the calls of this test."""
    found = Tally(shop.cluster, shop.namespace)
    found.deploy()
    return found


@pytest.fixture
def busy(shop: Shop, tally: Tally) -> Iterator[App]:
    """Two pods that call steadily; at the end every call has ended well, and upstream knows of each."""
    shop.upstream.play(*FAULTS)
    app = shop.app(
        replicas=2, environ={"CALLS_PER_SECOND": str(CALLS_PER_SECOND / 2), "TALLY_URL": tally.url}
    )
    app.deploy(**{POLICY: "production"})
    tally.wait_for_more(40)
    yield app
    shop.cluster.kubectl("scale", "deployment", app.name, "--replicas=0", "-n", shop.namespace)
    until(lambda: not all_pods(shop, app.name), "the app has gone", seconds=60)
    sums = tally.sums()
    assert sums["ended"].get("failed", 0) == 0, sums
    served = [each for each in shop.upstream.calls() if each["status"] == 200 and each["ended"] == "complete"]
    assert sums["ended"]["ok"] == len(served)


def all_pods(shop: Shop, name: str) -> list[str]:
    """Names of its pods, those that are going away included."""
    return shop.cluster.kubectl(
        "get", "pods", "-n", shop.namespace, "-l", f"app={name}", "-o", "name"
    ).split()


def test_rolling_restart_loses_no_call(busy: App, tally: Tally) -> None:
    for _ in range(2):
        busy.restart()
        busy.roll_out()
        tally.wait_for_more(40)
    assert len(tally.sums()["tellers"]) >= 6


@pytest.mark.parametrize("component", ["reconcile", "webhook"])
def test_killed_process_of_the_operator_costs_no_call(
    busy: App, tally: Tally, component: str, on_stage: Stage
) -> None:
    cluster, release_namespace = busy.cluster, on_stage.release.namespace
    label = f"app.kubernetes.io/name=claude-sidecar,app.kubernetes.io/component={component}"
    cluster.kubectl(
        "delete", "pods", "-n", release_namespace, "-l", label, "--grace-period=0", "--force", "--wait=false"
    )
    tally.wait_for_more(40)
    (deployment,) = json.loads(
        cluster.kubectl("get", "deployments", "-n", release_namespace, "-l", label, "-o", "json")
    )["items"]
    roll_out(cluster, release_namespace, deployment["metadata"]["name"])
    tally.wait_for_more(20)


def test_killed_api_server_costs_no_call(busy: App, tally: Tally, own_whole_cluster: WholeCluster) -> None:
    (pod,) = pods_of(own_whole_cluster, tally.namespace, "tally")
    address = pod["status"]["podIP"]

    def ok() -> int:
        """From the pod itself: nobody asks an API server that is down."""
        connection = http.client.HTTPConnection(address, PORT, timeout=5)
        connection.request("GET", "/")
        return int(json.loads(connection.getresponse().read())["ended"]["ok"])

    own_whole_cluster.stop("kube-apiserver", kill=True)
    try:
        goal = ok() + 5 * CALLS_PER_SECOND
        until(lambda: ok() >= goal, "calls go on without an API server")
    finally:
        own_whole_cluster.start("kube-apiserver")
    tally.wait_for_more(20)

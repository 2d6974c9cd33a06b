"""From nothing to a working webhook, and what becomes of pods while it does not work."""

import concurrent.futures
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from support.cluster.api_client import JSON_PATCH
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.operator.installed import NAMESPACE
from support.operator.webhook_process import PORT, has_sidecar, is_ready

from claude_operator.certificates.issue import new_authority, new_leaf
from claude_operator.certificates.secret import Held, bundle_of, data_of

SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
SECRET = f"{SECRETS}/claude-operator-webhook"
CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/claude-sidecar"
POLICY = "claude-sidecar.dev/policy"
HOSTS = ("claude-sidecar-webhook.claude-sidecar.svc",)
MakePod = Callable[..., Any]


def bundles(cluster: Cluster) -> list[str]:
    """The `caBundle` of each webhook."""
    found = cluster.request("GET", CONFIGURATION).expect()["webhooks"]
    return [each["clientConfig"].get("caBundle", "") for each in found]


def test_from_nothing_the_first_annotated_pods_are_injected_as_soon_as_replicas_are_ready(
    parts: Any, make_pod: MakePod
) -> None:
    parts.replica(0)
    parts.replica(1)
    until(lambda: not has_sidecar(make_pod()), "pods are admitted while nothing is installed")
    parts.configure()
    assert not any(is_ready(address) for address in parts.addresses)
    assert not has_sidecar(make_pod())
    parts.reconcile()
    parts.wait_until_ready()
    assert has_sidecar(make_pod())


def test_rotation_under_load_refuses_no_review(parts: Any, make_pod: MakePod, cluster: Cluster) -> None:
    parts.configure()
    parts.reconcile()
    for at in range(2):
        parts.replica(at)
    parts.wait_until_ready()
    old, stop = bundles(cluster)[0], threading.Event()

    def load() -> list[bool]:
        found = []
        while not stop.is_set():
            found.append(has_sidecar(make_pod(dry_run=True)))
        return found

    with concurrent.futures.ThreadPoolExecutor() as threads:
        loads = [threads.submit(load) for _ in range(4)]
        try:
            cluster.request("DELETE", SECRET).expect()
            until(lambda: bundles(cluster)[0] != old, "both authorities are trusted")
            both = bundles(cluster)[0]
            until(lambda: bundles(cluster)[0] != both, "the old authority is gone", seconds=60)
            stop.wait(2)  # the load goes on for a while
        finally:
            stop.set()
        answers = [answer for each in loads for answer in each.result()]
    assert len(answers) > 20
    assert answers.count(False) == 0
    assert len(set(bundles(cluster))) == 1
    assert old not in bundles(cluster)
    assert all(is_ready(address) for address in parts.addresses)


def test_pods_are_admitted_while_no_replica_runs(parts: Any, make_pod: MakePod) -> None:
    parts.configure()
    parts.reconcile()
    running = parts.replica(0)
    until(lambda: is_ready(parts.addresses[0]), "ready", seconds=60)
    until(lambda: has_sidecar(make_pod(dry_run=True)), "the API server knows the bundle")
    running.end(kill=True)
    assert not has_sidecar(make_pod())
    parts.replica(0)
    until(lambda: has_sidecar(make_pod(dry_run=True)), "injected again")


def test_pods_are_admitted_while_replicas_take_connections_and_never_answer(
    parts: Any, make_pod: MakePod
) -> None:
    def seconds_for_a_pod() -> float:
        began = time.monotonic()
        assert not has_sidecar(make_pod(dry_run=True))
        return time.monotonic() - began

    with contextlib.ExitStack() as stack:
        for address in parts.addresses:
            stack.enter_context(socket.create_server((address, PORT)))
        parts.configure(timeout_s=5)
        # At once only as long as the configuration is not in force.
        took = until(lambda: each if (each := seconds_for_a_pod()) > 4 else None, "it is asked")
    assert took < 15


def test_expired_certificate_admits_pods_and_is_replaced_at_once(
    parts: Any, make_pod: MakePod, cluster: Cluster
) -> None:
    past = datetime.now(UTC) - timedelta(days=100)
    authority = new_authority(past, timedelta(days=365))
    leaf = new_leaf(authority, HOSTS, past, timedelta(days=90))
    held = Held((authority.certificate,), authority.key, leaf)
    name = {"name": "claude-operator-webhook"}
    cluster.request("POST", SECRETS, {"metadata": name, "data": data_of(held)}).expect()
    parts.configure()
    trusted = [
        {"op": "add", "path": f"/webhooks/{at}/clientConfig/caBundle", "value": bundle_of(held.authorities)}
        for at in range(3)
    ]
    kind = JSON_PATCH
    cluster.request("PATCH", CONFIGURATION, trusted, content_type=kind).expect()
    replica = parts.replica(0)
    replica.wait_until_said("certificate in use")
    assert not is_ready(parts.addresses[0])
    assert not has_sidecar(make_pod())
    parts.reconcile()
    until(lambda: is_ready(parts.addresses[0]), "a new leaf is served")
    until(lambda: has_sidecar(make_pod(dry_run=True)), "injected")


def test_annotated_then_installed_then_scaled_is_one_rollout(
    parts: Any, make_pod: MakePod, cluster: Cluster, namespace: str
) -> None:
    labels = {"app": "web"}
    web = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "annotations": {POLICY: "production"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": "localhost/none:1"}]},
            },
        },
    }
    cluster.apply(web, namespace=namespace)
    sets = f"/apis/apps/v1/namespaces/{namespace}/replicasets"
    pods = f"/api/v1/namespaces/{namespace}/pods"
    until(lambda: len(cluster.request("GET", pods).expect()["items"]) == 2, "two pods")
    parts.configure()
    parts.reconcile()
    for at in range(2):
        parts.replica(at)
    parts.wait_until_ready()
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    for replicas in (3, 4):
        kind = "application/merge-patch+json"
        cluster.request("PATCH", path, {"spec": {"replicas": replicas}}, content_type=kind).expect()
    until(
        lambda: any(has_sidecar(pod) for pod in cluster.request("GET", pods).expect()["items"]),
        "the rollout has begun",
    )
    seen = set()
    for _ in range(20):
        seen.add(len(cluster.request("GET", sets).expect()["items"]))
        threading.Event().wait(0.2)
    assert seen == {2}
    generation = cluster.request("GET", path).expect()["metadata"]["generation"]
    assert generation <= 3

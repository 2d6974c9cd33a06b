"""What the webhook knows while the API server comes and goes, and how a replica leaves."""

import http.client
import threading
from collections.abc import Callable
from typing import Any

from support.cluster.local_cluster import LocalCluster
from support.cluster.waiting import until
from support.operator.webhook_process import HEALTH_PORT, has_sidecar, is_ready

MakePod = Callable[..., Any]
SECRETS = {"secretKeyRef": {"name": "team-keys", "key": "a"}}


def mounts_team_keys(pod: dict[str, Any]) -> bool:
    """Whether the webhook knew a policy that names this Secret."""
    return any(
        each.get("secret", {}).get("secretName") == "team-keys" for each in pod["spec"].get("volumes", [])
    )


def test_policies_made_after_a_restart_of_the_api_server_are_known(
    webhook: Any, make_pod: MakePod, own_cluster: LocalCluster, namespace: str
) -> None:
    own_cluster.restart_apiserver(kill=True)
    assert until(lambda: has_sidecar(make_pod(dry_run=True)), "injected again")
    policy = {
        "apiVersion": "claude-sidecar.dev/v1alpha1",
        "kind": "ClaudePolicy",
        "metadata": {"name": "production"},
        "spec": {"routes": [{"name": "a", "credential": SECRETS}]},
    }
    own_cluster.apply(policy, namespace=namespace)
    until(lambda: mounts_team_keys(make_pod(dry_run=True)), "the policy is known", seconds=60)
    own_cluster.request(
        "DELETE", f"/apis/claude-sidecar.dev/v1alpha1/namespaces/{namespace}/claudepolicies/production"
    ).expect()
    until(lambda: not mounts_team_keys(make_pod(dry_run=True)), "nor is a deleted one known")


def test_replicas_stay_ready_while_the_api_server_is_away(webhook: Any, own_cluster: LocalCluster) -> None:
    own_cluster.stop("kube-apiserver", kill=True)
    try:
        threading.Event().wait(2)
        assert all(is_ready(address) for address in webhook.addresses)
    finally:
        own_cluster.start("kube-apiserver")


def test_replica_that_is_told_to_leave_answers_until_nobody_asks_it_any_more(
    webhook: Any, make_pod: MakePod
) -> None:
    leaving = webhook.extra_replica()
    address = webhook.extra_address
    until(lambda: is_ready(address), "ready")
    done = threading.Thread(target=leaving.end)
    done.start()
    until(lambda: not is_ready(address), "no longer ready")
    assert leaving.said("stopped") is None
    connection = http.client.HTTPConnection(address, HEALTH_PORT, timeout=5)
    connection.request("GET", "/metrics")
    assert b"claude_operator_webhook_ready 0.0" in connection.getresponse().read()
    connection.close()
    done.join()
    assert leaving.said("stopped") is not None
    assert has_sidecar(make_pod(dry_run=True))

"""What goes wrong around the operator: restarts, refusals, silence, rights that go, rivals."""

import json
import time
from pathlib import Path

import pytest
from support.cluster.cluster import Cluster
from support.cluster.local_cluster import LocalCluster
from support.cluster.waiting import until
from support.operator.api_proxy import ApiProxy
from support.operator.installed import NAMESPACE, documents
from support.operator.rights import RECONCILE, may

from claude_operator import names

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/claude-operator-reconcile"


def is_status(path: str) -> bool:
    return path.endswith("/status") and names.PLURAL in path


@pytest.mark.parametrize("kill", [False, True], ids=["politely", "killed"])
def test_restart_of_the_api_server_loses_nothing(equipped: Cluster, start, policies, kill: bool) -> None:
    start("--lease-seconds", "90")  # what happens when it runs out has a test of its own
    if not isinstance(equipped, LocalCluster):
        pytest.fail("this test restarts the API server, so it needs a cluster of its own: unset KUBECONFIG")
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    equipped.restart_apiserver(kill=kill)
    policies.apply(retry={"maxAttempts": 2})
    policies.apply("another")
    policies.wait_for("Programmed", "True/Programmed", "another", seconds=60)
    until(lambda: "maxAttempts: 2" in policies.file(), "the edit is handed out", seconds=60)


def test_watches_that_are_cut_are_opened_again(start, proxy: ApiProxy, through_proxy: Path, policies) -> None:
    start(kubeconfig=through_proxy)
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    until(lambda: proxy.open_watches >= 11, "every kind is watched")
    assert proxy.cut_watches() >= 11
    policies.apply(retry={"maxAttempts": 2})
    until(lambda: "maxAttempts: 2" in policies.file(), "the edit is handed out")


def test_deletion_that_no_watch_told_of_is_found_by_a_list(
    start, proxy: ApiProxy, through_proxy: Path, policies
) -> None:
    running = start(kubeconfig=through_proxy)
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    proxy.faults.mute.add(names.PLURAL)
    policies.delete()
    until(lambda: policies.config_map() is None, "its ConfigMap is gone")
    assert running.metric("claude_operator_missed_deletions_total", kind=names.PLURAL) >= 1


def test_watch_that_tells_nothing_makes_the_process_not_alive(
    start, proxy: ApiProxy, through_proxy: Path, policies
) -> None:
    running = start(kubeconfig=through_proxy)
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    proxy.faults.mute.add(names.PLURAL)
    policies.apply(retry={"maxAttempts": 2})
    blind = 503, "the watch of claudepolicies is blind\n"
    until(lambda: running.probe("/livez") == blind, "liveness fails, and says why")


def test_silent_watch_is_opened_anew(start, proxy: ApiProxy, through_proxy: Path, policies) -> None:
    start("--watch-silence-seconds", "2", "--resync-seconds", "600", kubeconfig=through_proxy)
    proxy.faults.mute.add(names.PLURAL)
    policies.apply()
    until(lambda: proxy.swallowed, "the watch keeps the policy to itself")
    proxy.faults.mute.clear()
    policies.wait_for("Programmed", "True/Programmed")


def test_operator_killed_between_config_map_and_status_is_followed_by_the_next(
    start, proxy: ApiProxy, through_proxy: Path, policies
) -> None:
    proxy.faults.refuse = lambda method, path: 503 if method == "PATCH" and is_status(path) else None
    first = start("--lease-seconds", "3", kubeconfig=through_proxy)
    policies.apply()
    until(policies.config_map, "the ConfigMap is written")
    first.end(kill=True)
    assert not policies.status()
    proxy.faults.refuse = lambda *_: None
    proxy.forget()
    start(kubeconfig=through_proxy)
    policies.wait_for("Programmed", "True/Programmed")
    assert [
        write.path.rpartition("/")[2] for write in proxy.writes() if policies.namespace in write.path
    ] == ["status"]


def test_conflicting_write_is_decided_anew_and_overwrites_nothing(
    start, proxy: ApiProxy, through_proxy: Path, policies
) -> None:
    start(kubeconfig=through_proxy)
    edited: list[int] = []

    def edit_first(method: str, path: str) -> None:
        """Somebody edits the policy after the operator saw it, before it writes."""
        if method == "PATCH" and is_status(path) and policies.namespace in path and not edited:
            edited.append(1)
            policies.apply(retry={"maxAttempts": 7})

    proxy.faults.refuse = edit_first
    policies.apply()
    until(lambda: policies.status().get("observedGeneration") == 2, "the status is about the edit")
    statuses = [write.status for write in proxy.writes() if is_status(write.path)]
    assert 409 in statuses
    assert "maxAttempts: 7" in policies.file()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_server_that_refuses_for_a_while_is_asked_again_with_pauses(
    start, proxy: ApiProxy, through_proxy: Path, policies, status: int
) -> None:
    start(kubeconfig=through_proxy)
    proxy.faults.refuse = lambda method, _path: status if method in ("POST", "PATCH") else None
    proxy.forget()
    policies.apply()

    def tries() -> int:
        return sum(policies.namespace in write.path for write in proxy.writes())

    began = time.monotonic()
    until(lambda: tries() >= 3, "it tried three times")
    assert tries() <= 6 + (time.monotonic() - began)
    proxy.faults.refuse = lambda *_: None
    policies.wait_for("Programmed", "True/Programmed")


def test_rights_that_are_taken_away_and_given_back(equipped: Cluster, start, policies) -> None:
    running = start()
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    binding = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/claude-sidecar-reconcile"
    equipped.request("DELETE", binding).expect()
    until(lambda: not may(equipped, RECONCILE, "patch", "configmaps"), "the rights are gone")
    try:
        policies.apply(retry={"maxAttempts": 2})
        until(lambda: running.said("pass failed"), "the refusal is logged")
        until(lambda: running.probe("/livez")[0] == 200, "it is alive")
    finally:
        equipped.apply(documents("reconcile-rbac"), namespace=NAMESPACE)
    until(lambda: policies.status()["observedGeneration"] == 2, "the edit is taken up")


ONLY_WATCHES_LIST = ("--resync-seconds", "600")


def refuse_all_watches(proxy: ApiProxy, status: int) -> set[str]:
    """Cut them, and refuse to open or to list anything; gives the paths that are refused, as they come.

    To be used with ONLY_WATCHES_LIST: a sweep lists the same paths, so it could take the refusals meant for
    the watches while those pause before they connect again.
    """
    until(lambda: proxy.open_watches >= 11, "every kind is watched")
    refused: set[str] = set()

    def refuse(method: str, path: str) -> int | None:
        if method != "GET" or "/leases" in path:
            return None
        refused.add(path)
        return status

    proxy.faults.refuse = refuse
    proxy.cut_watches()
    return refused


@pytest.mark.parametrize("status", [401, 403])
def test_watches_that_are_cut_and_not_allowed_for_a_while_are_opened_again(
    start, proxy: ApiProxy, through_proxy: Path, policies, status: int
) -> None:
    start(*ONLY_WATCHES_LIST, kubeconfig=through_proxy)
    refused = refuse_all_watches(proxy, status)
    until(lambda: len(refused) >= 11, "every kind is refused")
    proxy.faults.refuse = lambda *_: None
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")


def test_operator_whose_kinds_are_no_longer_known_stops_with_a_clear_message_and_leaves_the_lease(
    equipped: Cluster, start, proxy: ApiProxy, through_proxy: Path
) -> None:
    running = start(*ONLY_WATCHES_LIST, kubeconfig=through_proxy)
    refuse_all_watches(proxy, 404)
    assert running.wait() == 1
    assert "stopped, to be started anew, since watching ended: APINotFoundError" in json.dumps(running.lines)
    assert equipped.api.get(LEASE)["spec"]["holderIdentity"] == ""


def test_rights_to_watch_that_are_missing_at_the_start_are_waited_for(
    equipped: Cluster, start, policies
) -> None:
    policies.apply()
    binding = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/claude-sidecar-reconcile"
    equipped.request("DELETE", binding).expect()
    until(lambda: not may(equipped, RECONCILE, "patch", "configmaps"), "the rights are gone")
    try:
        running = start(wait=False)
        running.wait_until_said("waiting for the API server")
        assert running.probe("/readyz")[0] == 503
        assert running.probe("/livez")[0] == 200
    finally:
        equipped.apply(documents("reconcile-rbac"), namespace=NAMESPACE)
    policies.wait_for("Programmed", "True/Programmed")


def test_second_operator_waits_until_the_first_has_gone(start, policies) -> None:
    first = start()
    second = start(wait=False)
    line = second.wait_until_said("waiting to be the only operator")
    assert line["reason"].startswith(f"another operator holds Lease {NAMESPACE}/claude-operator-reconcile: ")
    status, text = second.probe("/readyz")
    assert (status, text) == (503, "another operator holds the Lease, or it cannot be reached\n")
    assert second.probe("/livez")[0] == 200
    assert first.end() == 0
    second.wait_until_said("listed")
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")


def test_lease_of_an_operator_that_was_killed_runs_out(start) -> None:
    start("--lease-seconds", "3").end(kill=True)
    began = time.monotonic()
    start()
    assert time.monotonic() - began > 2


def test_operator_whose_lease_was_taken_stops_with_a_clear_message(equipped: Cluster, start) -> None:
    running = start()
    lease = equipped.api.get(LEASE)
    lease["spec"]["holderIdentity"] = "somebody-else"
    until(lambda: equipped.request("PUT", LEASE, lease).status in (200, 409), "the Lease is taken")
    while equipped.api.get(LEASE)["spec"]["holderIdentity"] != "somebody-else":
        fresh = equipped.api.get(LEASE)
        fresh["spec"]["holderIdentity"] = "somebody-else"
        equipped.request("PUT", LEASE, fresh)
    assert running.wait() == 1
    assert "stopped, since the Lease was lost: somebody-else holds it now" in json.dumps(running.lines)
    equipped.request("DELETE", LEASE).expect()


def test_lease_is_given_back_although_somebody_wrote_to_it(equipped: Cluster, start) -> None:
    running = start("--lease-seconds", "90")  # not renewed before the end
    equipped.kubectl("annotate", "lease", LEASE.rpartition("/")[2], "a=b", "-n", NAMESPACE)
    assert running.end() == 0
    assert running.said("lease not released") is None
    assert equipped.api.get(LEASE)["spec"]["holderIdentity"] == ""


def test_operator_that_cannot_renew_its_lease_stops(start, proxy: ApiProxy, through_proxy: Path) -> None:
    running = start("--lease-seconds", "3", kubeconfig=through_proxy)
    proxy.faults.refuse = lambda _method, path: 503 if "/leases" in path else None
    assert running.wait() == 1
    assert "it could not be renewed for 3 s: refused by the test" in json.dumps(running.lines)


def test_operator_waits_for_the_definition(
    equipped: Cluster, proxy: ApiProxy, through_proxy: Path, start
) -> None:
    proxy.faults.refuse = lambda _method, path: 404 if path.endswith(names.API_VERSION) else None
    running = start(kubeconfig=through_proxy, wait=False)
    running.wait_until_said("waiting for the API server")
    proxy.faults.refuse = lambda *_: None
    running.wait_until_said("listed")

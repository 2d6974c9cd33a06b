"""How often the operator writes: once for each change, and not at all where nothing changed."""

from pathlib import Path

from support.cluster.waiting import until
from support.operator.api_proxy import ApiProxy
from support.operator.stand_in import StandIns, free_address

KEYED = {"routes": [{"name": "own", "credential": {"secretKeyRef": {"key": "k"}}}]}
BAD = {"routes": [{"name": "a", "endpoint": "https://[1:2]"}]}


def kinds(proxy: ApiProxy, namespace: str) -> list[str]:
    """What was written in a namespace: the last part of each path's collection or subresource."""
    parts = [write.path.split("/") for write in proxy.writes() if namespace in write.path]
    return sorted("status" if part[-1] == "status" else part[part.index(namespace) + 1] for part in parts)


def test_each_change_is_one_config_map_and_one_status(
    start, proxy: ApiProxy, through_proxy: Path, policies
) -> None:
    start(kubeconfig=through_proxy)
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    assert kinds(proxy, policies.namespace) == ["configmaps", "status"]
    proxy.forget()
    policies.apply(retry={"maxAttempts": 2})
    until(lambda: policies.status()["observedGeneration"] == 2, "the edit is taken up")
    assert kinds(proxy, policies.namespace) == ["configmaps", "status"]
    proxy.forget()
    policies.delete()
    until(lambda: policies.config_map() is None, "it is gone")
    assert kinds(proxy, policies.namespace) == ["configmaps"]


def test_restart_on_a_settled_cluster_writes_nothing(
    start, proxy: ApiProxy, through_proxy: Path, policies, stand_ins: StandIns
) -> None:
    """Pods that run it, pods that lack a key, do not answer or have no sidecar; a refused policy."""
    first = start(kubeconfig=through_proxy)
    policies.apply()
    policies.apply("keyed", **KEYED)
    policies.apply("bad", **BAD)
    policies.wait_for("Programmed", "True/Programmed", "keyed")
    pod = stand_ins.run(policies.namespace, "production")
    stand_ins.run(policies.namespace, "keyed")
    # Files that are younger than their pods.
    until(lambda: policies.status().get("podsSummary") == "1/1", "it is current")
    policies.apply(retry={"maxAttempts": 2})
    until(lambda: "maxAttempts: 2" in policies.file(), "the edit is handed out")
    pod.sync()
    name = stand_ins.make(policies.namespace, "bad")
    stand_ins.report(policies.namespace, name, podIP=free_address())
    stand_ins.make(policies.namespace, "nowhere", injected=False)
    policies.wait_for("ResolvedRefs", "False/CredentialMissing", "keyed")
    expected = {"PolicyRefused", "CredentialMissing", "PolicyNotFound", "SidecarMissing"}
    until(lambda: {each[2] for each in policies.reasons()} >= expected, "all is told")
    until(
        lambda: (
            policies.status().get("podsSummary") == "1/1"
            and policies.status("bad").get("pods", {}).get("unreachable") == 1
        ),
        "all is counted",
        seconds=60,
    )
    until(lambda: first.metric("claude_operator_queue_length") == 0, "nothing is left to do")
    first.end()
    proxy.forget()
    second = start(kubeconfig=through_proxy)
    asked = "claude_operator_sidecar_asks_total"
    until(lambda: second.metric(asked, result="answered") >= 4, "both were asked twice")
    until(lambda: second.metric(asked, result="silent") >= 4, "the silent one was given up")
    until(lambda: second.metric("claude_operator_queue_length") == 0, "nothing is left to do")
    assert [write for write in proxy.writes() if policies.namespace in write.path] == []


def test_event_whose_state_lasts_is_told_again_before_api_servers_forget_it(start, policies) -> None:
    first = start()
    policies.apply(**BAD)
    until(policies.events, "the refusal is told")
    first.end()
    (event,) = policies.events()
    path = f"/api/v1/namespaces/{policies.namespace}/events/{event['metadata']['name']}"
    old = {"lastTimestamp": "2026-01-01T00:00:00Z"}
    policies.cluster.request("PATCH", path, old, content_type="application/merge-patch+json").expect()
    start()
    until(lambda: policies.events()[0]["count"] == 2, "it is counted up")
    assert policies.events()[0]["lastTimestamp"] >= event["lastTimestamp"]


def test_watches_and_lists_alone_cause_no_write(
    start, proxy: ApiProxy, through_proxy: Path, policies
) -> None:
    start(kubeconfig=through_proxy)
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    proxy.forget()
    for _ in range(3):
        proxy.cut_watches()
        policies.cluster.kubectl(
            "-n", policies.namespace, "annotate", "cpol", "production", "--overwrite", "note=x"
        )
    policies.apply("marker")
    policies.wait_for("Programmed", "True/Programmed", "marker")
    assert kinds(proxy, policies.namespace) == ["configmaps", "status"]

"""Pods and workloads as a real API server makes them with the webhook installed."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.operator.webhook_process import has_sidecar

POLICY = "claude-sidecar.dev/policy"
STATUS = "claude-sidecar.dev/status"
MakePod = Callable[..., Any]
CONTAINERS = [{"name": "app", "image": "localhost/none:1"}]

pytestmark = pytest.mark.usefixtures("webhook")


def deployment(name: str, annotations: dict[str, str] | None = None, replicas: int = 1) -> dict[str, Any]:
    """A Deployment; annotations: its own."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "annotations": annotations or {}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": CONTAINERS}},
        },
    }


def items(cluster: Cluster, group: str, namespace: str, plural: str) -> list[dict[str, Any]]:
    """All objects of a kind in a namespace."""
    root = f"/apis/{group}/v1" if group else "/api/v1"
    found: list[dict[str, Any]] = cluster.request("GET", f"{root}/namespaces/{namespace}/{plural}").expect()[
        "items"
    ]
    return found


def test_pod_with_only_a_generate_name_gets_its_sidecar_and_no_token(make_pod: MakePod) -> None:
    pod = make_pod()
    assert has_sidecar(pod)
    assert pod["metadata"]["annotations"][STATUS] == "injected"
    mounts = [each["mountPath"] for each in pod["spec"]["initContainers"][0]["volumeMounts"]]
    token = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert mounts.count(token) == 1
    assert [
        each["name"]
        for each in pod["spec"]["initContainers"][0]["volumeMounts"]
        if each["mountPath"] == token
    ] == ["claude-sidecar-no-token"]
    app = pod["spec"]["containers"][0]
    assert {"name": "ANTHROPIC_BASE_URL", "value": "http://127.0.0.1:8787"} in app["env"]


def test_pod_without_annotation_is_left_alone(make_pod: MakePod) -> None:
    assert not has_sidecar(make_pod(annotations={}))


def test_dry_run_shows_the_sidecar(make_pod: MakePod, cluster: Cluster, namespace: str) -> None:
    assert has_sidecar(make_pod(dry_run=True))
    assert items(cluster, "", namespace, "pods") == []


def test_label_of_the_namespace_is_the_default_and_inject_false_beats_it(
    make_pod: MakePod, new_namespace: Callable[..., str]
) -> None:
    where = new_namespace(labels={POLICY: "house"})
    until(lambda: has_sidecar(make_pod(annotations={}, where=where, dry_run=True)), "the label is known")
    off = make_pod(annotations={"claude-sidecar.dev/inject": "false"}, where=where)
    assert not has_sidecar(off)
    assert off["metadata"]["annotations"][STATUS] == 'skipped: inject is "false"'


def test_label_inject_false_on_a_workload_is_copied_to_its_template(
    cluster: Cluster, new_namespace: Callable[..., str]
) -> None:
    where = new_namespace(labels={POLICY: "house"})
    asked = deployment("web", {})
    asked["metadata"]["labels"] = {"claude-sidecar.dev/inject": "false"}
    cluster.apply(asked, namespace=where)
    made = cluster.api.get(f"/apis/apps/v1/namespaces/{where}/deployments/web")
    assert made["spec"]["template"]["metadata"]["annotations"]["claude-sidecar.dev/inject"] == "false"


def test_injected_pod_is_admitted_where_pod_security_is_restricted(
    make_pod: MakePod, new_namespace: Callable[..., str]
) -> None:
    where = new_namespace(labels={"pod-security.kubernetes.io/enforce": "restricted"})
    allowed = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    spec = {"containers": [{**CONTAINERS[0], "securityContext": allowed}]}
    assert has_sidecar(make_pod(where=where, spec=spec))


def test_guaranteed_pod_stays_guaranteed(make_pod: MakePod) -> None:
    exact = {"limits": {"cpu": "1", "memory": "1Gi"}}
    pod = make_pod(spec={"containers": [{**CONTAINERS[0], "resources": exact}]})
    assert has_sidecar(pod)
    assert pod["status"]["qosClass"] == "Guaranteed"


def test_pod_of_the_hosts_network_is_admitted_with_the_reason(make_pod: MakePod) -> None:
    pod = make_pod(spec={"hostNetwork": True})
    assert pod["metadata"]["annotations"][STATUS] == "skipped: hostNetwork"


def test_policy_in_the_namespace_decides_on_placeholder_and_secrets(
    make_pod: MakePod, cluster: Cluster, namespace: str
) -> None:
    credential = {"secretKeyRef": {"name": "team-keys", "key": "a"}}
    policy = {
        "apiVersion": "claude-sidecar.dev/v1alpha1",
        "kind": "ClaudePolicy",
        "metadata": {"name": "production"},
        "spec": {"routes": [{"name": "a", "credential": credential}]},
    }
    cluster.apply(policy, namespace=namespace)

    def injected() -> Any:
        pod = make_pod(dry_run=True)
        secrets = [each["secret"]["secretName"] for each in pod["spec"]["volumes"] if "secret" in each]
        return pod if "team-keys" in secrets else None

    app = until(injected, "the policy is known")["spec"]["containers"][0]
    assert {"name": "ANTHROPIC_API_KEY", "value": "provided-by-claude-sidecar"} in app["env"]


def test_annotated_deployment_is_rolled_out_with_sidecars_and_taken_back(
    cluster: Cluster, namespace: str
) -> None:
    cluster.apply(deployment("web"), namespace=namespace)
    until(lambda: items(cluster, "", namespace, "pods"), "a pod")
    ended = cluster.run_kubectl("-n", namespace, "annotate", "deployment", "web", f"{POLICY}=production")
    assert ended.returncode == 0
    assert "there is no ClaudePolicy production" in ended.stderr
    until(
        lambda: any(has_sidecar(pod) for pod in items(cluster, "", namespace, "pods")), "a pod with a sidecar"
    )
    assert len(items(cluster, "apps", namespace, "replicasets")) == 2
    cluster.kubectl("-n", namespace, "annotate", "deployment", "web", f"{POLICY}-")
    template = cluster.request("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/web").expect()[
        "spec"
    ]
    assert "annotations" not in template["template"]["metadata"]


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet", "ReplicaSet"])
def test_other_workloads_get_the_copy_too(cluster: Cluster, namespace: str, kind: str) -> None:
    workload = {**deployment("web", {POLICY: "production"}), "kind": kind}
    spec = dict(workload["spec"])
    if kind == "DaemonSet":
        del spec["replicas"]
    cluster.apply({**workload, "spec": spec}, namespace=namespace)
    (made,) = items(cluster, "apps", namespace, f"{kind.lower()}s")
    annotations = made["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {POLICY: "production", "claude-sidecar.dev/policy-from": "workload"}


def test_cron_job_gets_the_copy_and_job_only_when_it_is_created(cluster: Cluster, namespace: str) -> None:
    job = {"template": {"spec": {"restartPolicy": "Never", "containers": CONTAINERS}}}
    nightly = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly", "annotations": {POLICY: "production"}},
        "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": job}},
    }
    once = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": job}
    marked = {**once, "metadata": {"name": "marked", "annotations": {POLICY: "production"}}}
    cluster.apply([nightly, once, marked], namespace=namespace)
    (made,) = items(cluster, "batch", namespace, "cronjobs")
    assert made["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["annotations"][POLICY] == "production"
    jobs = {each["metadata"]["name"]: each for each in items(cluster, "batch", namespace, "jobs")}
    assert jobs["marked"]["spec"]["template"]["metadata"]["annotations"][POLICY] == "production"
    ended = cluster.run_kubectl("-n", namespace, "annotate", "job", "once", f"{POLICY}=production")
    assert ended.returncode == 0
    assert "a Job's template cannot change" in ended.stderr


def test_scaling_breeds_no_replica_sets(cluster: Cluster, namespace: str) -> None:
    cluster.apply(deployment("web", {POLICY: "production"}), namespace=namespace)
    until(lambda: items(cluster, "", namespace, "pods"), "a pod")
    for replicas in (3, 1, 2):
        cluster.kubectl("-n", namespace, "scale", "deployment", "web", f"--replicas={replicas}")
        threading.Event().wait(0.3)
    until(lambda: len(items(cluster, "", namespace, "pods")) == 2, "two pods")
    assert len(items(cluster, "apps", namespace, "replicasets")) == 1
    assert all(has_sidecar(pod) for pod in items(cluster, "", namespace, "pods"))

"""The cluster that the other tests of this folder stand on: pods, sidecars, names, mounted files."""

import subprocess
import sys
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from support.cluster.cluster import Cluster, KubectlFailed
from support.cluster.waiting import until
from support.cluster.whole.whole_cluster import WholeCluster

pytestmark = pytest.mark.whole_cluster

SERVE = """
import http.server, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # else it does not end a container's first process
http.server.test(http.server.SimpleHTTPRequestHandler, port=8000, bind="0.0.0.0")
"""
FETCH = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).status)"


@pytest.fixture
def python(images: dict[str, str]) -> Callable[..., dict[str, Any]]:
    """Makes a container that runs a piece of Python: `python(name, code, *arguments, **fields)`."""

    def make(name: str, code: str, *arguments: str, **fields: object) -> dict[str, Any]:
        command = ["python3", "-c", code, *arguments]
        image = {"image": images["claude-app"], "imagePullPolicy": "IfNotPresent"}
        return {"name": name, **image, "command": command, "workingDir": "/tmp", **fields}

    return make


def pod(name: str, *containers: dict[str, Any], **spec: object) -> dict[str, Any]:
    """A pod that ends at once when it is asked to."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": list(containers), "terminationGracePeriodSeconds": 0, **spec},
    }


def phase(cluster: Cluster, namespace: str, name: str) -> str:
    """Of a pod."""
    found = cluster.api.get(f"/api/v1/namespaces/{namespace}/pods/{name}")
    return str(found["status"].get("phase"))


def wait_until_ready(cluster: Cluster, namespace: str, name: str) -> None:
    """Of a pod."""
    cluster.kubectl("wait", "pod", name, "-n", namespace, "--for=condition=Ready", "--timeout=120s")


def test_native_sidecar_serves_before_its_app_starts_and_ends_with_it(
    whole_cluster: Cluster, namespace: str, python: Callable[..., dict[str, Any]]
) -> None:
    probe = {"tcpSocket": {"port": 8000}, "periodSeconds": 1}
    sidecar = python("sidecar", SERVE, restartPolicy="Always", startupProbe=probe)
    app = python("app", FETCH, "http://127.0.0.1:8000/")
    made = pod("job", app, initContainers=[sidecar], restartPolicy="Never")
    whole_cluster.apply(made, namespace=namespace)
    ended = until(
        lambda: phase(whole_cluster, namespace, "job") in ("Succeeded", "Failed"), "the app ends", seconds=40
    )
    assert ended
    assert phase(whole_cluster, namespace, "job") == "Succeeded"
    assert whole_cluster.kubectl("logs", "job", "-c", "app", "-n", namespace) == "200\n"


def test_service_is_reached_by_its_name_in_pods_and_by_its_address_elsewhere(
    whole_cluster: Cluster, namespace: str, python: Callable[..., dict[str, Any]]
) -> None:
    probe = {"tcpSocket": {"port": 8000}, "periodSeconds": 1}
    server = pod("server", python("server", SERVE, readinessProbe=probe))
    spec = {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8000}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    whole_cluster.apply([server, service], namespace=namespace)
    wait_until_ready(whole_cluster, namespace, "server")

    def fetch(name: str) -> str:
        asked = ("exec", "server", "-n", namespace, "--", "python3", "-c", FETCH, f"http://{name}/")
        return whole_cluster.run_kubectl(*asked).stdout

    # Until kube-proxy knows of the pod, connections are refused.
    until(lambda: fetch("web") == "200\n", "the Service leads to the pod")
    for name in (f"web.{namespace}", f"web.{namespace}.svc.cluster.local"):
        assert fetch(name) == "200\n"
    if isinstance(whole_cluster, WholeCluster):
        made = whole_cluster.api.get(f"/api/v1/namespaces/{namespace}/services/web")
        url = f"http://{made['spec']['clusterIP']}/"
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert answer.status == 200
        # The API server calls webhooks so.
        on_the_node = whole_cluster.node.inside(sys.executable, "-c", FETCH, url)
        assert subprocess.run(on_the_node, check=True, capture_output=True).stdout == b"200\n"


def test_changed_config_map_arrives_in_a_pod_at_once_when_the_pod_is_annotated(
    whole_cluster: Cluster, namespace: str, python: Callable[..., dict[str, Any]]
) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    mount = {"name": "settings", "mountPath": "/settings"}
    reader = pod(
        "reader",
        python("reader", SERVE, volumeMounts=[mount]),
        volumes=[{"name": "settings", "configMap": {"name": "settings"}}],
    )
    whole_cluster.apply([{**settings, "data": {"key": "old"}}, reader], namespace=namespace)
    wait_until_ready(whole_cluster, namespace, "reader")

    def seen() -> str:
        return whole_cluster.kubectl("exec", "reader", "-n", namespace, "--", "cat", "/settings/key")

    assert seen() == "old"
    whole_cluster.apply({**settings, "data": {"key": "new"}}, namespace=namespace)
    whole_cluster.kubectl("annotate", "pod", "reader", "nudge=1", "-n", namespace)
    until(lambda: seen() == "new", "the pod has the new ConfigMap")


def test_pod_security_is_enforced(
    whole_cluster: Cluster, new_namespace: Callable[..., str], python: Callable[..., dict[str, Any]]
) -> None:
    restricted = new_namespace(labels={"pod-security.kubernetes.io/enforce": "restricted"})
    with pytest.raises(KubectlFailed, match="violates PodSecurity"):
        whole_cluster.apply(pod("root", python("root", "pass")), namespace=restricted)


@pytest.mark.parametrize("component", ["kube-apiserver", "etcd", "kubelet", "containerd"])
def test_pods_outlive_a_killed_component_that_is_started_again(
    own_whole_cluster: WholeCluster,
    namespace: str,
    python: Callable[..., dict[str, Any]],
    component: str,
) -> None:
    own_whole_cluster.apply(pod("long", python("long", SERVE)), namespace=namespace)
    wait_until_ready(own_whole_cluster, namespace, "long")
    before = own_whole_cluster.pid_of(component)
    own_whole_cluster.stop(component, kill=True)
    assert own_whole_cluster.pid_of(component) is None
    own_whole_cluster.start(component)
    assert own_whole_cluster.pid_of(component) != before
    own_whole_cluster.apply(pod("later", python("later", SERVE)), namespace=namespace)
    wait_until_ready(own_whole_cluster, namespace, "later")
    (status,) = own_whole_cluster.api.get(f"/api/v1/namespaces/{namespace}/pods/long")["status"][
        "containerStatuses"
    ]
    assert status["ready"]
    assert status["restartCount"] == 0

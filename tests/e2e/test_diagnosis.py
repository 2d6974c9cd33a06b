"""What is wrong, asked on the spot: `doctor` inside a pod's sidecar, the page through a port-forward."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.release.app import POLICY, App
from support.release.shop import Shop
from support.release.upstream import KEYS

pytestmark = pytest.mark.whole_cluster

REVOKED = {"match": {"key": "second"}, "status": 401}


def doctor(shop: Shop, app: App, *arguments: str, key: str | None = None) -> tuple[int, dict[str, Any]]:
    """Exit code and report of the doctor inside the app's pod. key: piped into its standard input."""
    name = app.pod()["metadata"]["name"]
    asked = (
        "exec",
        "-i",
        name,
        "-n",
        shop.namespace,
        "-c",
        "claude-sidecar",
        "--",
        "claude-sidecar",
        "doctor",
    )
    piped = ("--key-file", "-") if key is not None else ()
    said = shop.cluster.run_kubectl(*asked, "--json", *piped, *arguments, stdin=key)
    assert said.stdout, said.stderr
    assert not any(secret in said.stdout + said.stderr for secret in KEYS.values())
    return said.returncode, json.loads(said.stdout)


@contextmanager
def forwarded(shop: Shop, app: App) -> Iterator[str]:
    """The URL at which `kubectl port-forward` shows the admin port of the app's pod."""
    cluster, name = shop.cluster, app.pod()["metadata"]["name"]
    command = [cluster.kubectl_program, "--kubeconfig", cluster.kubeconfig, "port-forward", name]
    with subprocess.Popen(
        [*command, "-n", shop.namespace, ":8788"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        try:
            assert running.stdout is not None
            first = running.stdout.readline()
            found = re.match(r"Forwarding from 127\.0\.0\.1:(\d+) -> 8788", first)
            assert found, first
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            running.terminate()


def test_doctor_in_a_pods_sidecar_finds_a_healthy_pod_healthy(shop: Shop) -> None:
    app = shop.app()
    app.deploy(**{POLICY: "production"})
    code, report = doctor(shop, app, key=KEYS["first"])
    assert (code, report["verdict"]) == (0, "healthy"), report
    targets = {check["target"] for check in report["checks"] if check["id"] == "known-good-call"}
    assert {"first", "second"} <= targets


def test_doctor_in_a_pods_sidecar_names_the_route_whose_key_is_refused(shop: Shop) -> None:
    app = shop.app()
    app.deploy(**{POLICY: "production"})
    shop.upstream.play(REVOKED)
    code, report = doctor(shop, app, key=KEYS["first"])
    assert (code, report["verdict"]) == (1, "fault"), report
    assert {check["target"] for check in report["checks"] if check["result"] == "fault"} == {"second"}


def test_doctor_without_the_apps_key_says_how_to_pipe_it_in(shop: Shop) -> None:
    app = shop.app()
    app.deploy(**{POLICY: "production"})
    code, report = doctor(shop, app)
    assert (code, report["verdict"]) == (3, "unknown"), report
    assert any("kubectl exec -i" in check["fix"] for check in report["checks"])


def test_page_is_shown_through_a_port_forward_and_refused_to_the_pod_network(shop: Shop) -> None:
    app = shop.app()
    app.deploy(**{POLICY: "production"})
    shop.upstream.play({"match": {"key": "first"}, "status": 529})
    assert app.ask()["ok"]
    with forwarded(shop, app) as url:
        with urllib.request.urlopen(f"{url}/", timeout=10) as page:
            assert page.headers["content-type"].startswith("text/html")
        with urllib.request.urlopen(f"{url}/overview", timeout=10) as answer:
            overview = json.load(answer)
    assert overview["rollups"]["5m"]["calls"] == 1
    assert overview["rollups"]["5m"]["cured"] == 1
    pod = app.pod()["metadata"]["name"]
    path = f"/api/v1/namespaces/{shop.namespace}/pods/{pod}:8788/proxy/overview"
    assert shop.cluster.request("GET", path).status == 403

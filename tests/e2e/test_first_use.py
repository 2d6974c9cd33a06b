"""What a user does first: annotate, call, see the sidecar cure what went wrong, and take it out again."""

import json

import pytest
from support.cluster.waiting import until
from support.release.app import POLICY
from support.release.manifests import program_map, program_pod
from support.release.rollout import sidecar_of
from support.release.shop import Shop
from support.release.upstream import KEYS

pytestmark = pytest.mark.whole_cluster

OVERLOADED = {"match": {"key": "first"}, "status": 529}


def test_annotating_a_deployment_starts_a_rollout_and_its_pods_call_through_the_sidecar(shop: Shop) -> None:
    app = shop.app()
    app.deploy()
    assert sidecar_of(app.pod()) is None
    assert app.annotate("production") == ""
    app.roll_out()
    pod = app.pod()
    assert sidecar_of(pod)
    assert pod["metadata"]["annotations"]["claude-sidecar.dev/status"] == "injected"
    said = app.ask()
    assert said["ok"], said
    assert said["headers"]["x-claude-sidecar-route"] == "first"
    assert [(each["key"], each["status"]) for each in shop.upstream.calls()] == [("first", 200)]


def test_overload_on_the_first_route_becomes_a_success_on_the_second(shop: Shop) -> None:
    app = shop.app()
    app.deploy(**{POLICY: "production"})
    shop.upstream.play(OVERLOADED)
    for query in ({}, {"stream": "1"}):
        said = app.ask(**query)
        assert said["ok"], said
        assert said["headers"]["x-claude-sidecar-route"] == "second"
        assert said["headers"]["x-claude-sidecar-attempts"] == "2"
    served = [(each["key"], each["status"]) for each in shop.upstream.calls()]
    assert served == [("first", 529), ("second", 200)] * 2


def test_removing_the_annotation_removes_the_sidecar(shop: Shop) -> None:
    app = shop.app()
    app.deploy(**{POLICY: "production"})
    assert sidecar_of(app.pod())
    app.annotate(None)
    app.roll_out()
    assert sidecar_of(app.pod()) is None
    assert not any(
        key.startswith("claude-sidecar.dev/") for key in app.pod()["metadata"].get("annotations", {})
    )


def test_job_with_a_sidecar_ends(shop: Shop) -> None:
    one_call = (
        "import json, app; said = app.ask({}); print(json.dumps(said)); raise SystemExit(not said['ok'])"
    )
    pod = program_pod("app", {"ANTHROPIC_API_KEY": KEYS["first"]})
    (container,) = pod["containers"]
    container["command"] = ["python3", "-c", f"import sys; sys.path.insert(0, '/program'); {one_call}"]
    del container["readinessProbe"]
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "report", "annotations": {POLICY: "production"}},
        "spec": {"backoffLimit": 0, "template": {"spec": {**pod, "restartPolicy": "Never"}}},
    }
    shop.cluster.apply([program_map("app"), job], namespace=shop.namespace)
    shop.cluster.kubectl(
        "wait", "--for=condition=Complete", "job/report", "-n", shop.namespace, "--timeout=120s"
    )
    said = json.loads(shop.cluster.kubectl("logs", "job/report", "-c", "app", "-n", shop.namespace))
    assert said["headers"]["x-claude-sidecar-route"] == "first"
    (found,) = json.loads(
        shop.cluster.kubectl("get", "pods", "-l", "job-name=report", "-n", shop.namespace, "-o", "json")
    )["items"]
    assert sidecar_of(found)


def test_app_without_a_key_works_with_the_sidecars(shop: Shop) -> None:
    shop.policies.apply(routes=[shop.route("second", secret="claude-keys")])
    app = shop.app(key=None)
    app.deploy(**{POLICY: "production"})
    said = app.ask()
    assert said["ok"], said
    assert [each["key"] for each in shop.upstream.calls()] == ["second"]
    name = app.pod()["metadata"]["name"]
    seen = shop.cluster.kubectl("exec", name, "-c", "app", "-n", shop.namespace, "--", "env")
    assert "ANTHROPIC_API_KEY=provided-by-claude-sidecar" in seen
    assert not any(key in seen for key in KEYS.values())


def test_sidecar_has_no_token_although_the_app_has_one(shop: Shop) -> None:
    app = shop.app()
    program, workload = app.manifests()
    workload["spec"]["template"]["spec"]["automountServiceAccountToken"] = True
    workload["metadata"]["annotations"] = {POLICY: "production"}
    shop.cluster.apply([program, workload], namespace=shop.namespace)
    app.roll_out()
    name, token = app.pod()["metadata"]["name"], "/var/run/secrets/kubernetes.io/serviceaccount"
    look = f"import os; print(os.path.isdir({token!r}) and os.listdir({token!r}))"

    def sees(container: str) -> str:
        return shop.cluster.kubectl(
            "exec", name, "-c", container, "-n", shop.namespace, "--", "python3", "-c", look
        )

    assert "token" in sees("app")
    assert "token" not in sees("claude-sidecar")


def test_policy_shows_its_pods(shop: Shop) -> None:
    app = shop.app()
    app.deploy(**{POLICY: "production"})
    until(lambda: shop.policies.row()["PODS"] == "1/1", "kubectl get cpol shows 1/1", seconds=60)
    row = shop.policies.row()
    assert (row["ACCEPTED"], row["PROGRAMMED"]) == ("True", "True")

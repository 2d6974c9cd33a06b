"""The chart's life beside running pods: tested, taken away, brought back, upgraded with a bad image."""

import pytest
from support.cluster.claude_policies import DEFINITIONS
from support.cluster.helm import HelmFailed, helm
from support.cluster.waiting import until
from support.project import ROOT
from support.release.app import POLICY
from support.release.release import Release
from support.release.rollout import sidecar_of
from support.release.shop import Shop
from support.release.stage import IMAGE, VALUES, Stage

pytestmark = pytest.mark.whole_cluster

WEBHOOK = "claude-sidecar-webhook"
EARLIER = ROOT / "tests" / "chart" / "earlier"


def test_helm_test_passes_and_leaves_nothing(on_stage: Stage) -> None:
    assert "Phase:          Succeeded" in on_stage.release.test()
    names = on_stage.cluster.kubectl(
        "get", "pods,services,deployments", "-n", on_stage.release.namespace, "-o", "name"
    )
    assert "claude-sidecar-test" not in names


def test_helm_test_fails_where_no_sidecar_is_injected_and_says_why(on_stage: Stage) -> None:
    kubectl, webhook = on_stage.cluster.kubectl, f"deployment/{WEBHOOK}"
    here = ("-n", on_stage.release.namespace)
    kubectl("scale", webhook, "--replicas=0", *here)
    kubectl("wait", "pods", "-l=app.kubernetes.io/component=webhook", "--for=delete", "--timeout=120s", *here)
    try:
        with pytest.raises(HelmFailed, match="no sidecar was injected into this pod"):
            on_stage.release.test()
    finally:
        kubectl("scale", webhook, "--replicas=2", *here)
        kubectl("rollout", "status", webhook, "--timeout=120s", *here)
    assert "Phase:          Succeeded" in on_stage.release.test()


def test_uninstall_and_install_keep_policies_and_running_sidecars(on_stage: Stage, shop: Shop) -> None:
    app = shop.app()
    app.deploy(**{POLICY: "production"})
    shop.policies.wait_for("Programmed", "True/Programmed")
    before, uid = app.sidecar_status()["hash"], shop.policies.get()["metadata"]["uid"]
    on_stage.release.uninstall()
    assert shop.cluster.request("GET", f"{DEFINITIONS}/claudepolicies.claude-sidecar.dev").status == 200
    assert shop.policies.get()["metadata"]["uid"] == uid
    assert shop.get("configmaps", "claude-policy-production")["data"]
    assert app.sidecar_status()["hash"] == before
    assert app.ask()["ok"]
    on_stage.release.install()
    shop.policies.apply(**shop.two_routes(retry={"maxAttempts": 2}))
    until(lambda: app.sidecar_status()["hash"] != before, "an edit arrives again", seconds=60)
    app.restart()
    app.roll_out()
    assert sidecar_of(app.pod())
    assert app.ask()["ok"]


def test_sidecar_image_that_cannot_be_pulled_is_told_and_the_old_pods_stay(
    on_stage: Stage, shop: Shop
) -> None:
    app = shop.app()
    app.deploy()
    uid = app.pod()["metadata"]["uid"]
    on_stage.release.upgrade({"sidecar": {"image": {"tag": "none-such"}}})
    try:
        app.annotate("production")
        told = shop.policies.wait_for_event("Deployment", "web", "SidecarImage")
        assert "image cannot be pulled" in told
        assert uid in [each["metadata"]["uid"] for each in app.pods()]
    finally:
        on_stage.release.upgrade()
    app.restart()
    app.roll_out()
    assert app.ask()["ok"]


def test_upgrade_from_an_earlier_chart_costs_running_pods_nothing(unreleased: Release, shop: Shop) -> None:
    # By Helm 3; the other tests here upgrade by Helm 4, and those of the chart from earlier ones by both.
    release = Release(unreleased.cluster, helm("3"), {"image": IMAGE, "allowedHosts": VALUES["allowedHosts"]})
    release.install(chart=EARLIER)
    try:
        app = shop.app()
        app.deploy(**{POLICY: "production"})
        shop.policies.wait_for("Programmed", "True/Programmed")
        pod = app.pod()
        release.values = VALUES
        release.upgrade()
        assert app.pod()["metadata"]["uid"] == pod["metadata"]["uid"]
        assert app.ask()["ok"]
        before = app.sidecar_status()["hash"]
        shop.policies.apply(**shop.two_routes(retry={"maxAttempts": 2}))
        until(lambda: app.sidecar_status()["hash"] != before, "an edit arrives", seconds=60)
        app.restart()
        app.roll_out()
        assert app.ask()["ok"]
    finally:
        release.uninstall()

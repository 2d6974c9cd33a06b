"""A release from install to uninstall on a real API server, in both majors of Helm. No pods run here."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cluster.claude_policies import DEFINITIONS, POLICIES, policy
from support.cluster.cluster import Cluster
from support.cluster.helm import NAMESPACE, RELEASE, HelmFailed, run_helm
from support.cluster.waiting import until
from support.project import CHART

pytestmark = pytest.mark.helm

EARLIER = Path(__file__).parent / "earlier"
DEFINITION = f"{DEFINITIONS}/claudepolicies.claude-sidecar.dev"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
CONFIGURATION = f"{ADMISSION}/mutatingwebhookconfigurations/claude-sidecar"
ROUTES = ["kept", "spare"]
NODE_INFO = [
    *("architecture", "bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion"),
    *("kubeletVersion", "machineID", "operatingSystem", "osImage", "systemUUID"),
]
Helm = Callable[..., str]


@pytest.fixture
def helm(cluster: Cluster, major: str) -> Iterator[Helm]:
    """A major's helm in the cluster; at the end nothing of the chart is there."""

    def run(*arguments: str | Path, by: str = major, **options: Any) -> str:
        return run_helm(f"--kubeconfig={cluster.kubeconfig}", *arguments, major=by, **options)

    yield run
    for release in json.loads(run("list", "--all-namespaces", "--output=json")):
        run("uninstall", release["name"], f"--namespace={release['namespace']}")
    cluster.request("DELETE", DEFINITION).expect(200, 404)
    until(lambda: cluster.request("GET", DEFINITION).status == 404, "the definition is gone", seconds=180)


def install(helm: Helm, chart: Path = CHART, *flags: str, **options: Any) -> str:
    here = (f"--namespace={NAMESPACE}", "--create-namespace")
    return helm("install", RELEASE, chart, *here, *flags, **options)


def upgrade(helm: Helm, *flags: str, **options: Any) -> str:
    return helm("upgrade", RELEASE, CHART, f"--namespace={NAMESPACE}", *flags, **options)


def uninstall(helm: Helm, **options: Any) -> str:
    return helm("uninstall", RELEASE, f"--namespace={NAMESPACE}", **options)


def keep_a_policy(cluster: Cluster, namespace: str) -> Callable[[], list[str]]:
    """Make one; returns what asks for its routes."""
    path = POLICIES.format(namespace)
    until(lambda: cluster.request("GET", path).status == 200, "policies are served")
    cluster.request(
        "POST", path, policy({"routes": [{"name": name} for name in ROUTES]}, name="kept")
    ).expect()

    def routes() -> list[str]:
        return [route["name"] for route in cluster.request("GET", f"{path}/kept").expect()["spec"]["routes"]]

    return routes


def trust(cluster: Cluster) -> Callable[[], bool]:
    """Write `caBundle` as the reconciler does; returns what tells whether it is still there."""
    ca = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="
    webhooks = cluster.request("GET", CONFIGURATION).expect()["webhooks"]
    bundles = [f"/webhooks/{at}/clientConfig/caBundle" for at in range(len(webhooks))]
    changes = [{"op": "add", "path": path, "value": ca} for path in bundles]
    patch = ("--type=json", f"--patch={json.dumps(changes)}", "--field-manager=claude-operator")
    cluster.kubectl("patch", "mutatingwebhookconfiguration", "claude-sidecar", *patch)

    def is_there() -> bool:
        now = cluster.request("GET", CONFIGURATION).expect()["webhooks"]
        return all(each["clientConfig"].get("caBundle") == ca for each in now)

    assert is_there()
    return is_there


def left_of_the_chart(cluster: Cluster) -> set[str]:
    """Names of all that a release owns, cluster-wide and in its namespace."""
    kinds = "mutatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings"
    kinds += ",clusterroles,clusterrolebindings,roles,rolebindings,serviceaccounts,deployments,services"
    kinds += ",configmaps,networkpolicies,poddisruptionbudgets,customresourcedefinitions"
    label = f"--selector=app.kubernetes.io/instance={RELEASE}"
    return set(cluster.kubectl("get", kinds, f"--namespace={NAMESPACE}", label, "--output=name").split())


def test_notes_name_the_next_command(cluster: Cluster, helm: Helm) -> None:
    said = install(helm)
    assert "kubectl annotate deployment NAME -n NAMESPACE claude-sidecar.dev/policy=POLICY" in said
    assert f"helm test {RELEASE} -n {NAMESPACE}" in said
    assert len(said.partition("NOTES:")[2].splitlines()) < 20


def test_definition_and_policies_outlive_the_release_and_serve_the_next(cluster: Cluster, helm: Helm) -> None:
    install(helm)
    routes = keep_a_policy(cluster, "default")
    assert len(left_of_the_chart(cluster)) > 20
    uninstall(helm)
    definition = "customresourcedefinition.apiextensions.k8s.io/claudepolicies.claude-sidecar.dev"
    until(lambda: left_of_the_chart(cluster) == {definition}, "only the definition is left")
    assert routes() == ROUTES
    install(helm)
    assert routes() == ROUTES
    assert len(left_of_the_chart(cluster)) > 20


def test_kept_definition_goes_over_to_a_release_elsewhere_when_told(cluster: Cluster, helm: Helm) -> None:
    install(helm)
    routes = keep_a_policy(cluster, "default")
    uninstall(helm)
    elsewhere = ("install", "other", CHART, "--namespace=elsewhere", "--create-namespace")
    with pytest.raises(HelmFailed, match=r"claudepolicies\.claude-sidecar\.dev.*ownership"):
        helm(*elsewhere)
    helm(*elsewhere, "--take-ownership")
    assert routes() == ROUTES


def test_upgrade_from_an_earlier_chart_and_back(cluster: Cluster, helm: Helm) -> None:
    install(helm, EARLIER)
    routes = keep_a_policy(cluster, "default")
    is_trusted = trust(cluster)
    for step in (lambda: upgrade(helm), lambda: upgrade(helm, "--set=webhook.timeoutSeconds=7")):
        step()
        assert is_trusted()
        assert routes() == ROUTES
    version = cluster.request("GET", DEFINITION).expect()["spec"]["versions"][0]
    assert "routes" in version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    shown = cluster.request("GET", CONFIGURATION).expect()["webhooks"]
    assert {each["timeoutSeconds"] for each in shown} == {7}
    helm("rollback", RELEASE, "1", f"--namespace={NAMESPACE}")
    assert is_trusted()
    assert routes() == ROUTES


def test_a_release_of_helm_3_goes_on_under_helm_4(cluster: Cluster, helm: Helm, major: str) -> None:
    first, then = ("3", "4") if major == "4" else ("3", "3")
    install(helm, by=first)
    routes = keep_a_policy(cluster, "default")
    is_trusted = trust(cluster)
    upgrade(helm, "--set=nudgesPerSecond=0", by=then)
    assert is_trusted()
    assert "clusterrole.rbac.authorization.k8s.io/claude-sidecar-nudge" not in left_of_the_chart(cluster)
    uninstall(helm, by=then)
    assert routes() == ROUTES


@pytest.mark.parametrize("namespace", [NAMESPACE, "elsewhere"])
def test_second_release_is_refused_in_words_that_say_what_to_do(
    cluster: Cluster, helm: Helm, namespace: str
) -> None:
    install(helm)
    with pytest.raises(HelmFailed) as refused:
        helm("install", "second", CHART, f"--namespace={namespace}", "--create-namespace")
    assert f"as release {RELEASE} in namespace {NAMESPACE}" in str(refused.value)
    assert f"helm upgrade {RELEASE} -n {NAMESPACE}" in str(refused.value)
    assert len(json.loads(helm("list", "--all-namespaces", "--deployed", "--output=json"))) == 1


def test_without_a_definition_it_is_said_where_that_is(cluster: Cluster, helm: Helm) -> None:
    with pytest.raises(HelmFailed, match=r"has no CustomResourceDefinition .*kubectl apply --server-side"):
        install(helm, CHART, "--set=crds.install=false")
    cluster.apply((CHART / "crd" / "claude-sidecar.dev_claudepolicies.yaml").read_text())
    install(helm, CHART, "--set=crds.install=false")


def test_nodes_that_are_too_old_are_named(cluster: Cluster, helm: Helm) -> None:
    nodes = "/api/v1/nodes"
    for name, version in {"new": "v1.35.4", "old": "v1.29.15-eks-1"}.items():
        node = {"metadata": {"name": name}, "status": {"nodeInfo": dict.fromkeys(NODE_INFO, "x")}}
        node["status"]["nodeInfo"]["kubeletVersion"] = version
        cluster.request("POST", nodes, node).expect()
    try:
        with pytest.raises(HelmFailed, match=r"too old: old \(v1\.29\.15-eks-1\); bring them to 1\.30"):
            install(helm)
        cluster.request("DELETE", f"{nodes}/old").expect()
        install(helm)
    finally:
        cluster.kubectl("delete", "nodes", "--all")


def test_going_over_to_a_certificate_of_ones_own_needs_force_under_helm_4_alone(
    cluster: Cluster, helm: Helm, major: str
) -> None:
    install(helm)
    is_trusted = trust(cluster)
    given = "--set=webhook.certificate.mode=Given,webhook.certificate.caBundle=Zm9v"
    if major == "4":
        with pytest.raises(HelmFailed, match=r"clientConfig\.caBundle"):
            upgrade(helm, given)
        assert is_trusted()
        upgrade(helm, given, "--force-conflicts")
    else:
        upgrade(helm, given)
    webhooks = cluster.request("GET", CONFIGURATION).expect()["webhooks"]
    assert {each["clientConfig"]["caBundle"] for each in webhooks} == {"Zm9v"}

"""What the chart renders is taken by an API server, and by the processes that it starts."""

import importlib
from typing import Any

import click
import pytest
import yaml
from support.cluster.claude_policies import define
from support.cluster.cluster import NAMESPACES, Cluster
from support.cluster.helm import NAMESPACE, by_template, run_helm, template
from support.project import CHART
from support.release.chart_values import CASES, FLAGS, FOREIGN, USER_NAMESPACES

from claude_operator.inject.settings import settings_of

pytestmark = pytest.mark.helm

RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("warn", "enforce")}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    """Each of the values."""
    return str(request.param)


@pytest.fixture
def objects(case: str, major: str) -> list[dict[str, Any]]:
    """What is rendered with them."""
    return [
        each for part in by_template(template(CASES[case], *FLAGS, major=major)).values() for each in part
    ]


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Cluster:
    """A cluster with all namespaces that are named."""
    define(cluster)
    for name in (NAMESPACE, "claude-sidecar-test", "elsewhere-claude-sidecar-test", *USER_NAMESPACES):
        labels = RESTRICTED if name == NAMESPACE else {}
        cluster.request("POST", NAMESPACES, {"metadata": {"name": name, "labels": labels}}).expect()
    account = {"metadata": {"name": "default"}}
    for name in (NAMESPACE, "claude-sidecar-test", "elsewhere-claude-sidecar-test"):
        cluster.request("POST", f"{NAMESPACES}/{name}/serviceaccounts", account).expect(201, 409)
    return cluster


def test_lint_finds_nothing(case: str, major: str) -> None:
    values = yaml.safe_dump(CASES[case])
    said = run_helm("lint", "--strict", CHART, "--values=-", major=major, stdin=values)
    assert "0 chart(s) failed" in said


def test_api_server_takes_it_without_a_warning(
    server: Cluster, case: str, objects: list[dict[str, Any]]
) -> None:
    ours = [each for each in objects if each["apiVersion"] not in FOREIGN]
    answer = server.run_kubectl(
        *("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f-"),
        stdin={"apiVersion": "v1", "kind": "List", "items": ours},
    )
    assert answer.returncode == 0, answer.stderr
    warnings = [line for line in answer.stderr.splitlines() if "Warning" in line]
    unrestricted = "as little" in case or "hostNetwork" in str(CASES[case])
    assert bool(warnings) == unrestricted, warnings
    assert all("PodSecurity" in line for line in warnings)


def test_an_unknown_field_would_be_refused(server: Cluster) -> None:
    (pod,) = by_template(template())["reconcile"]
    pod["spec"]["template"]["spec"]["containers"][0]["imagePulPolicy"] = "Always"
    answer = server.run_kubectl("apply", "--server-side", "--dry-run=server", "-f-", stdin=pod)
    assert "imagePulPolicy" in answer.stderr
    assert answer.returncode == 1


def test_foreign_kinds_have_what_their_operators_need(case: str, objects: list[dict[str, Any]]) -> None:
    found = {each["kind"]: each["spec"] for each in objects if each["apiVersion"] in FOREIGN}
    wanted = set()
    if case == "all at once":
        wanted = {"PodMonitor", "PrometheusRule"}
        rules = [rule for group in found["PrometheusRule"]["groups"] for rule in group["rules"]]
        links = {rule["annotations"]["runbook_url"].partition("#")[0] for rule in rules if "alert" in rule}
        assert links == {"https://wiki.example/runbook"}
        assert found["PodMonitor"]["podMetricsEndpoints"][0]["port"]
    elif "cert-manager" in case:
        wanted = {"Certificate"} if "issuer" in case else {"Certificate", "Issuer"}
        assert found["Certificate"]["dnsNames"] == [f"claude-sidecar-webhook.{NAMESPACE}.svc"]
        assert {"secretName", "issuerRef"} <= found["Certificate"].keys()
    assert set(found) == wanted


def test_processes_know_all_their_options(objects: list[dict[str, Any]]) -> None:
    deployments = [each for each in objects if each["kind"] == "Deployment"]
    started = set()
    for deployment in deployments:
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        if container["command"] == ["claude-operator"]:
            name, *options = container["args"]
            command = importlib.import_module(f"claude_operator.cli.{name}").command
            assert isinstance(command, click.Command)
            given = [
                each for each in options if not each.startswith("--settings=")
            ]  # a file that must be there
            command.make_context(name, given)
            started.add(name)
    assert started == {"reconcile", "webhook"}


def test_webhook_reads_the_settings_as_they_were_meant(case: str, objects: list[dict[str, Any]]) -> None:
    (found,) = [each for each in objects if each["metadata"]["name"] == "claude-sidecar-settings"]
    settings = settings_of(yaml.safe_load(found["data"]["settings.yaml"]))
    wanted = CASES[case].get("sidecar", {})
    limits = wanted.get("resources", {"cpuLimit": "1", "memoryLimit": "256Mi"})
    assert settings.resources.cpu_request == str(wanted.get("resources", {}).get("cpuRequest", "50m"))
    assert settings.bounds.memory_min == str(wanted.get("bounds", {}).get("memoryMin", "64Mi"))
    assert settings.resources.cpu_limit == limits["cpuLimit"]
    assert settings.resources.memory_limit == limits["memoryLimit"]
    assert settings.exits.otlp_endpoint == wanted.get("exits", {}).get("otlpEndpoint")
    assert settings.uid == wanted.get("uid", 65532)
    if case == "all at once":
        assert settings.image == "registry.example/claude-sidecar:0.0.9"
        assert settings.image_pull_policy == "Always"
        assert settings.exits.ca_bundle
        assert settings.exits.ca_bundle.key == "ca.pem"
        assert settings.namespaces["shop"].otlp_endpoint is None


@pytest.mark.helm3
def test_both_majors_render_the_same(case: str) -> None:
    assert by_template(template(CASES[case], *FLAGS, major="4")) == by_template(
        template(CASES[case], *FLAGS, major="3")
    )


def test_the_same_values_render_the_same_text_again(case: str) -> None:
    assert template(CASES[case], *FLAGS) == template(CASES[case], *FLAGS)

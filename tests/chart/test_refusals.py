"""Wrong values are refused before anything is made, in words that name the key and what is allowed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from support.cluster.helm import NAMESPACE, HelmFailed, by_template, template
from support.project import CHART

pytestmark = pytest.mark.helm

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
APP_VERSION = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
Path = tuple[str, ...]


def levels(schema: Mapping[str, Any] = SCHEMA, path: Path = ()) -> Iterator[Path]:
    """Every mapping of the values whose keys are known."""
    if "properties" in schema:
        yield path
        for key, below in schema["properties"].items():
            yield from levels(below, (*path, key))


def leaves(values: Mapping[str, Any] = VALUES, path: Path = ()) -> Iterator[Path]:
    """Every value that is no mapping."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def nested(path: Path, value: object) -> dict[str, Any]:
    """Values that differ at one place."""
    for key in reversed(path):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def refusal(values: Mapping[str, Any], *flags: str, major: str = "4") -> str:
    """What helm says of values that it must refuse."""
    with pytest.raises(HelmFailed) as refused:
        template(values, *flags, major=major)
    return str(refused.value)


@pytest.mark.parametrize("path", list(levels()), ids=lambda path: ".".join(path) or "top")
def test_an_unknown_key_is_named_with_its_place(path: Path, major: str) -> None:
    said = refusal(nested((*path, "typo"), True), major=major)
    assert f"at '/{'/'.join(path)}'".replace("'/'", "''") in said
    assert "additional properties 'typo' not allowed" in said


def test_there_are_levels_and_leaves() -> None:
    assert len(list(levels())) > 20
    assert len(list(leaves())) > 60


KUBERNETES_OWN = {"podSecurityContext", "securityContext", "requests", "limits"}
"""Mappings whose keys an API server knows."""
OURS = [path for path in leaves() if not KUBERNETES_OWN & set(path)]
MAY_GO = {
    "cpuLimit",
    "memoryLimit",
    "ephemeralStorageRequest",
    "ephemeralStorageLimit",
    "exits",
    "grafana_dashboard",
    "global",
}
"""What null may take away."""


@pytest.mark.parametrize("path", OURS, ids=".".join)
def test_a_value_of_another_type_is_named(path: Path) -> None:
    wrong: object = [[1]] if path != ("monitoring", "dashboards", "labels", "grafana_dashboard") else 1
    said = refusal(nested(path, wrong))
    assert f"at '/{'/'.join(path)}" in said


@pytest.mark.parametrize(
    ("path", "wrong", "said"),
    [
        (("webhook", "certificate", "mode"), "cert-manager", "'Operator', 'CertManager', 'Given'"),
        (("image", "pullPolicy"), "Sometimes", "'Always', 'IfNotPresent', 'Never'"),
        (("reconcile", "logLevel"), "loud", "'debug', 'info', 'warning', 'error'"),
        (("webhook", "logLevel"), "INFO", "'debug', 'info', 'warning', 'error'"),
        (("webhook", "replicas"), 0, "minimum: got 0, want 1"),
        (("webhook", "port"), 443, "minimum: got 443, want 1,024"),
        (("webhook", "timeoutSeconds"), 31, "maximum: got 31, want 30"),
        (("nudgesPerSecond"), -1, "minimum: got -1, want 0"),
        (("image", "tag"), "latest", "not"),
        (("image", "digest"), "sha256:abc", "does not match pattern"),
        (("image", "repository"), "", "does not match pattern"),
        (("image", "repository"), "registry.example:5000/claude-sidecar:0.1.0", "does not match pattern"),
        (("sidecar", "image", "repository"), "claude-sidecar@sha256:abc", "does not match pattern"),
        (("allowedHosts"), ["https://api.anthropic.com/v1"], "does not match pattern"),
        (("allowedHosts"), [], "minItems: got 0, want 1"),
        (("sidecar", "resources", "cpuRequest"), "50 millis", "does not match pattern"),
        (("sidecar", "exits", "otlpEndpoint"), "collector:4318", "does not match pattern"),
        (("sidecar", "exits", "caBundle"), {"key": "ca.crt"}, "missing property 'name'"),
        (("sidecar", "exits", "caBundle"), {"name": "ca", "key": "a/b"}, "does not match pattern"),
        (("sidecar", "exits", "otlpHeadersSecret"), {"name": "a", "key": "a/b"}, "does not match pattern"),
        (("sidecar", "exits", "httpsProxy"), "https://proxy.example:3128", "does not match pattern"),
        (("sidecar", "exits", "httpsProxy"), "http://proxy.example:abc", "does not match pattern"),
        (("sidecar", "uid"), 4294967295, "maximum"),
        (
            ("sidecar", "namespaces"),
            {"shop": {"otlp": "http://x"}},
            "additional properties 'otlp' not allowed",
        ),
        (
            ("sidecar", "namespaces"),
            {"Shop": {"otlpEndpoint": "http://x"}},
            "additional properties 'Shop' not allowed",
        ),
        (("webhook", "certificate", "issuerRef"), {"kind": "ClusterIssuer"}, "'name' required"),
        (("enabled"), "yes", "got string, want boolean"),
        (("monitoring", "podMonitors", "interval"), "half a minute", "does not match pattern"),
        # The test removes the namespace that it makes.
        (("helmTest", "namespace"), "shop", "does not match pattern"),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_is_named_with_what_can(
    path: str | Path, wrong: object, said: str, major: str
) -> None:
    keys = (path,) if isinstance(path, str) else path
    answer = refusal(nested(keys, wrong), major=major)
    assert f"at '/{'/'.join(keys)}" in answer
    assert said in answer


@pytest.mark.parametrize(
    "repository", ["my_org/claude-sidecar", "Registry.corp:5000/tools/claude_sidecar", "[fd00::1]:5000/x"]
)
def test_image_names_that_runtimes_take_are_taken(repository: str) -> None:
    image = {"repository": repository}
    made = by_template(template({"image": image, "sidecar": {"image": image}}))
    (deployment,) = [each for each in made["webhook"] if each["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (settings,) = made["sidecar-settings"]
    sidecars = yaml.safe_load(settings["data"]["settings.yaml"])["image"]
    assert {container["image"], sidecars} == {f"{repository}:{APP_VERSION}"}


@pytest.mark.parametrize("path", [path for path in OURS if not MAY_GO & set(path)], ids=".".join)
def test_a_value_that_null_takes_away_is_missed(path: Path) -> None:
    said = refusal(nested(path, None))
    assert f"at '/{'/'.join(path[:-1])}'".replace("'/'", "''") in said
    assert f"missing property '{path[-1]}'" in said


def test_webhook_on_the_kubelets_port_is_refused(major: str) -> None:
    said = refusal({"webhook": {"hostNetwork": True}}, major=major)
    assert "webhook.port" in said
    assert "9443" in said


def test_webhook_on_the_port_of_its_own_metrics_is_refused(major: str) -> None:
    said = refusal({"webhook": {"port": 8081}}, major=major)
    assert "webhook.port: 8081 is where the same pods serve probes and metrics" in said


@pytest.mark.parametrize("namespace", [NAMESPACE, "kube-system", "kube-public"])
def test_helm_test_where_no_pod_gets_a_sidecar_is_refused(namespace: str, major: str) -> None:
    said = refusal(
        {"helmTest": {"namespace": namespace, "createNamespace": False}},
        f"--namespace={NAMESPACE}",
        major=major,
    )
    assert f"helmTest.namespace: in {namespace} no pod gets a sidecar" in said


def test_given_certificate_without_its_authority_is_refused(major: str) -> None:
    said = refusal({"webhook": {"certificate": {"mode": "Given"}}}, major=major)
    assert "webhook.certificate.caBundle" in said


@pytest.mark.parametrize("part", ["podMonitors", "alerts"])
def test_monitoring_without_its_kinds_is_refused(part: str, major: str) -> None:
    said = refusal({"monitoring": {part: {"create": True}}}, major=major)
    assert f"monitoring.{part}.create" in said
    assert "install the Prometheus operator first" in said


def test_an_older_kubernetes_is_refused_with_the_version_that_is_wanted(major: str) -> None:
    said = refusal({}, "--kube-version=1.29.14", major=major)
    assert "chart requires kubeVersion: >=1.30.0-0" in said
    assert "1.29.14" in said
    for version in ("1.30.0", "1.30.4-gke.1234", "1.37.2"):
        assert template({}, f"--kube-version={version}", major=major)


def test_certificate_mode_given_takes_the_lines_of_a_plain_base64() -> None:
    given = {"mode": "Given", "caBundle": "Zm9v\nYmFy\n"}
    made = by_template(template({"webhook": {"certificate": given}}))["webhook-configuration"]
    assert {each["clientConfig"]["caBundle"] for each in made[0]["webhooks"]} == {"Zm9vYmFy"}

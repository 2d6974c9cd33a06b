"""What every rendering keeps to: labels, names, least rights, and a webhook that cannot lock up a cluster."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from support.cluster.claude_policies import DEFINITION
from support.cluster.helm import NAMESPACE, RELEASE, by_template, template
from support.project import CHART
from support.release.chart_values import CASES, FLAGS, MONITORING_API

pytestmark = pytest.mark.helm

BINDINGS = ("RoleBinding", "ClusterRoleBinding")
WITH_RIGHTS = [case for case, values in CASES.items() if values.get("rbac", {}).get("create", True)]
CLUSTER_WIDE = re.compile(r"^(Cluster|Mutating|Validating|CustomResource|Namespace$)")


def objects(values: Mapping[str, Any], namespace: str = NAMESPACE) -> list[dict[str, Any]]:
    """All that is rendered with these values."""
    parts = by_template(template(values, *FLAGS, namespace=namespace)).values()
    return [each for part in parts for each in part]


def of_kind(*kinds: str, case: str = "as it comes") -> list[dict[str, Any]]:
    """All of these kinds; there is at least one."""
    found = [each for each in objects(CASES[case]) if each["kind"] in kinds]
    assert found, kinds
    return found


# -- labels and names


def test_everything_has_the_usual_labels() -> None:
    wanted = {
        "app.kubernetes.io/name": "claude-sidecar",
        "app.kubernetes.io/instance": RELEASE,
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/part-of": "claude-sidecar",
        "app.kubernetes.io/version": "0.1.0",
        "helm.sh/chart": "claude-sidecar-0.1.0",
    }
    lacking = [
        f"{each['kind']}/{each['metadata']['name']}"
        for case in CASES.values()
        for each in objects(case)
        if not wanted.items() <= each["metadata"].get("labels", {}).items()
    ]
    assert lacking == []


def test_names_that_look_like_numbers_stay_text() -> None:
    words = {"release": "4711", "home": "1e3", "users": "007", "pull": "0x1", "leaf": "12", "class": "9"}

    def text(of: Mapping[str, str]) -> str:
        values = {
            "imagePullSecrets": [of["pull"]],
            "networkPolicies": {"userNamespaces": [of["users"]]},
            "webhook": {
                "excludedNamespaces": [of["users"]],
                "priorityClassName": of["class"],
                "certificate": {"mode": "CertManager", "secretName": of["leaf"]},
            },
        }
        rendering = template(values, *FLAGS, name=of["release"], namespace=of["home"])
        return re.sub(r"\b[0-9a-f]{64}\b", "digest", rendering)

    named = {word: f"some-{word}" for word in words}
    expected = json.dumps(by_template(text(named)))
    for word, number in words.items():
        expected = expected.replace(named[word], number)
    assert json.dumps(by_template(text(words))) == expected


def test_selectors_hold_what_does_not_change_with_a_version() -> None:
    wanted = {"app.kubernetes.io/instance", "app.kubernetes.io/name", "app.kubernetes.io/component"}
    for case in CASES:
        for each in of_kind("Deployment", case=case):
            labels = each["spec"]["selector"]["matchLabels"]
            assert set(labels) == wanted
            assert labels.items() <= each["spec"]["template"]["metadata"]["labels"].items()


def test_nothing_is_rendered_twice_and_everything_has_its_place() -> None:
    for case in CASES.values():
        found = [(each["kind"], each["metadata"]) for each in objects(case, namespace="home")]
        places = [(kind, metadata.get("namespace"), metadata["name"]) for kind, metadata in found]
        assert len(places) == len(set(places))
        for kind, namespace, _ in places:
            assert (namespace is None) == bool(CLUSTER_WIDE.match(kind)), kind


def test_dashboards_and_rules_are_the_chart_s_files() -> None:
    maps = {
        name: text
        for each in of_kind("ConfigMap", case="all at once")
        if "grafana_dashboard" in each["metadata"]["labels"]
        for name, text in each["data"].items()
    }
    files = {path.name: path.read_text() for path in (CHART / "dashboards").glob("*.json")}
    assert {name: text.strip() for name, text in maps.items()} == {
        name: text.strip() for name, text in files.items()
    }
    (rules,) = of_kind("PrometheusRule", case="all at once")
    text = (CHART / "alerts" / "claude-sidecar.yaml").read_text()
    assert rules["spec"] == yaml.safe_load(text.replace("docs/runbook.md", "https://wiki.example/runbook"))
    assert rules["apiVersion"] == MONITORING_API


def test_alerts_name_their_part_of_the_runbook_where_nothing_links_it() -> None:
    (rules,) = (
        each
        for each in objects({"monitoring": {"alerts": {"create": True}}})
        if each["kind"] == "PrometheusRule"
    )
    told = [rule for group in rules["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    assert len(told) > 20
    for rule in told:
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert "runbook_url" not in rule["annotations"]


# -- the definition


def test_definition_is_that_of_crds_and_is_kept() -> None:
    (shown,) = of_kind("CustomResourceDefinition")
    metadata = shown.pop("metadata")
    wanted = yaml.safe_load(DEFINITION.read_text())
    assert metadata["name"] == wanted.pop("metadata")["name"]
    assert metadata["annotations"]["helm.sh/resource-policy"] == "keep"
    assert shown == wanted
    assert (CHART / "crd" / DEFINITION.name).read_text() == DEFINITION.read_text()


# -- rights


def rules(case: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Every rule for our processes, with its role."""
    granted = {each["roleRef"]["name"] for each in of_kind(*BINDINGS, case=case)}
    roles = of_kind("Role", "ClusterRole", case=case)
    return [
        (f"{each['kind']}/{each['metadata']['name']}", rule)
        for each in roles
        if each["metadata"]["name"] in granted
        for rule in each["rules"]
    ]


@pytest.mark.parametrize("case", WITH_RIGHTS)
def test_no_right_is_a_wildcard_or_leads_to_more_rights(case: str) -> None:
    for role, rule in rules(case):
        words = [*rule["verbs"], *rule["apiGroups"], *rule["resources"]]
        assert "*" not in "".join(words), role
        assert not {"escalate", "bind", "impersonate"} & set(words), role
        assert not {"pods/exec", "pods/attach", "serviceaccounts/token", "nodes/proxy"} & set(words), role
        assert "rbac.authorization.k8s.io" not in words, role


def test_of_secrets_only_the_certificate_s_is_reached_and_none_of_it_by_others_modes() -> None:
    for case, secret in {
        "as it comes": "claude-operator-webhook",
        "a certificate that is given": "hook",
        "a certificate of cert-manager": "claude-operator-webhook",
    }.items():
        found = [(role, rule) for role, rule in rules(case) if "secrets" in rule["resources"]]
        assert found
        for role, rule in found:
            assert role.startswith("Role/"), role
            assert rule.get("resourceNames") == [secret] or rule["verbs"] == ["create"]
            if case != "as it comes":
                assert role == "Role/claude-sidecar-webhook"
                assert rule["verbs"] == ["list", "watch"]


def test_right_to_patch_pods_and_its_fence_go_by_one_value() -> None:
    def touching_pods(values: dict[str, Any]) -> list[str]:
        return [
            each["metadata"]["name"]
            for each in objects(values)
            for rule in each.get("rules", ())
            if "pods" in rule.get("resources", ()) and "patch" in rule.get("verbs", ())
        ]

    def fences(values: dict[str, Any]) -> set[str]:
        return {each["metadata"]["name"] for each in objects(values) if "AdmissionPolicy" in each["kind"]}

    assert touching_pods({}) == ["claude-sidecar-nudge"]
    assert touching_pods({"nudgesPerSecond": 0}) == []
    assert fences({}) - fences({"nudgesPerSecond": 0}) == {"claude-sidecar-nudge"}


def test_bindings_are_for_accounts_of_the_release_s_namespace() -> None:
    for each in of_kind(*BINDINGS):
        assert [subject["namespace"] for subject in each["subjects"]] == [NAMESPACE]
        assert each["subjects"][0]["name"] in ("claude-sidecar-reconcile", "claude-sidecar-webhook")


def test_admission_policies_and_bindings_belong_together() -> None:
    policies = {each["metadata"]["name"] for each in of_kind("ValidatingAdmissionPolicy")}
    bound = {each["spec"]["policyName"] for each in of_kind("ValidatingAdmissionPolicyBinding")}
    assert policies == bound
    assert len(policies) == 4


# -- the webhook


@pytest.mark.parametrize("excluded", [None, [], ["kube-public", "istio-system"]])
@pytest.mark.parametrize("namespace", [NAMESPACE, "platform"])
def test_webhook_never_looks_at_its_own_namespace_or_the_control_plane_s(
    excluded: list[str] | None, namespace: str
) -> None:
    values = {} if excluded is None else {"webhook": {"excludedNamespaces": excluded}}
    (configuration,) = by_template(template(values, namespace=namespace))["webhook-configuration"]
    assert len(configuration["webhooks"]) == 3
    for webhook in configuration["webhooks"]:
        first = webhook["namespaceSelector"]["matchExpressions"][0]
        assert (first["key"], first["operator"]) == ("kubernetes.io/metadata.name", "NotIn")
        assert {"kube-system", namespace, *(excluded or ())} <= set(first["values"])
        assert webhook["failurePolicy"] == "Ignore"
        assert webhook["timeoutSeconds"] <= 30
        assert webhook["clientConfig"]["service"]["namespace"] == namespace


@pytest.mark.parametrize("case", CASES)
def test_trust_is_rendered_only_where_nobody_else_writes_it(case: str) -> None:
    (configuration,) = of_kind("MutatingWebhookConfiguration", case=case)
    bundles = {webhook["clientConfig"].get("caBundle") for webhook in configuration["webhooks"]}
    assert bundles == ({"Zm9v"} if "given" in case else {None})
    injected = configuration["metadata"].get("annotations", {}).get("cert-manager.io/inject-ca-from")
    assert injected == (f"{NAMESPACE}/claude-sidecar-webhook" if "cert-manager" in case else None)


# -- pods


def test_pods_are_restricted_and_bounded() -> None:
    for deployment in of_kind("Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        (container,) = spec["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
        assert not container["image"].endswith(":latest")


def test_one_replica_has_no_budget_that_would_hold_up_a_drain() -> None:
    of_kind("PodDisruptionBudget")
    assert "PodDisruptionBudget" not in template(CASES["as little as it can be"])


def test_a_change_of_settings_restarts_the_webhook() -> None:
    def mark(values: dict[str, Any]) -> str:
        (deployment,) = [
            each for each in by_template(template(values))["webhook"] if each["kind"] == "Deployment"
        ]
        return str(deployment["spec"]["template"]["metadata"]["annotations"]["checksum/settings"])

    assert mark({}) == mark({"webhook": {"replicas": 3}})
    assert mark({}) != mark({"allowedHosts": ["gateway.example"]})

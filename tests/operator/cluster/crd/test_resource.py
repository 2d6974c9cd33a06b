"""The resource on every minor: accepted, listed, shared by appliers, with a status of its own."""

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from support.cluster.api_client import APPLY_PATCH, MERGE_PATCH, Reply
from support.cluster.claude_policies import DEFINITION, DEFINITIONS, POLICIES, define, policy
from support.cluster.cluster import Cluster, KubectlFailed
from support.cluster.waiting import until

from claude_operator.crd.definition import field_at
from claude_operator.crd.judge import judge
from claude_sidecar.causes import RETRYABLE


@pytest.fixture(scope="module")
def policies(each_cluster: Cluster) -> Cluster:
    """Each cluster in turn, with the definition in it."""
    define(each_cluster)
    return each_cluster


def condition(kind: str, status: str, reason: str) -> dict[str, Any]:
    """One condition of a status."""
    return {
        "type": kind,
        "status": status,
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "reason": reason,
        "message": "",
    }


STATUS = {
    "observedGeneration": 1,
    "conditions": [
        condition("Accepted", "True", "Accepted"),
        condition("ResolvedRefs", "Unknown", "NoPods"),
        condition("Programmed", "False", "Conflicted"),
    ],
    "hash": "0123456789abcdef",
    "routes": 2,
    "pods": {
        "total": 3,
        "current": 2,
        "stale": 1,
        "unreachable": 0,
        "restartRequired": 0,
        "outdated": 0,
    },
    "podsSummary": "2/3",
}


def test_definition_is_established_and_structural(policies: Cluster) -> None:
    path = f"{DEFINITIONS}/claudepolicies.claude-sidecar.dev"
    states = {each["type"]: each["status"] for each in policies.api.get(path)["status"]["conditions"]}
    assert states.pop("NonStructuralSchema", "False") == "False"
    assert states == {"NamesAccepted": "True", "Established": "True"}


def test_largest_lists_are_within_the_cost_of_the_rules(attempt: Callable[[Any], Reply]) -> None:
    models = [{"name": f"{'m' * 120}-{number}", "id": f"{'i' * 500}-{number}"} for number in range(64)]
    routes = [{"name": f"r{number}", "models": models} for number in range(8)]
    substitutes = [f"{'s' * 120}-{number}" for number in range(8)]
    spec = {
        "routes": routes,
        "fallback": {"substitutions": [{"model": each["name"], "with": substitutes} for each in models]},
        "prices": [{"model": each["name"]} for each in models],
    }
    assert judge(spec, "p", "n") == []
    attempt(spec).expect(201)


def test_policy_is_listed_with_the_promised_columns(policies: Cluster, home: str) -> None:
    path = POLICIES.format(home)
    policies.request("POST", path, policy({}, "listed")).expect(201)
    policies.request("PATCH", f"{path}/listed/status", {"status": STATUS}, content_type=MERGE_PATCH).expect(
        200
    )
    for kind in ("cpol", "claude", "claudepolicies"):
        head, *rows = policies.kubectl("-n", home, "get", kind).splitlines()
        assert head.split() == ["NAME", "ACCEPTED", "PROGRAMMED", "PODS", "ROUTES", "AGE"]
        [row] = [line.split() for line in rows if line.split()[0].endswith("listed")]
        assert row[1:5] == ["True", "False", "2/3", "2"]
        assert re.fullmatch(r"\d+s", row[5])


def test_fields_are_explained(policies: Cluster) -> None:
    assert "A longer `retry-after` is not waited for." in policies.kubectl("explain", "cpol.spec.retry")
    causes = policies.kubectl("explain", "claudepolicy.spec.retry.causes")
    for cause in RETRYABLE:
        assert f"- `{cause}`: {cause.row.seen_as}"[:60] in causes
    assert "Default: RateLimit, Overloaded, ServerError," in causes


def test_status_is_written_by_itself_and_moves_no_generation(policies: Cluster, home: str) -> None:
    path = POLICIES.format(home)
    made = policies.request("POST", path, {**policy({}, "status"), "status": STATUS}).expect(201)
    assert "status" not in made
    changed = {"status": STATUS, "spec": {"retry": {"maxAttempts": 9}}}
    body = policies.request("PATCH", f"{path}/status/status", changed, content_type=MERGE_PATCH).expect(200)
    assert body["status"] == STATUS
    assert body["spec"]["retry"]["maxAttempts"] == 4
    assert body["metadata"]["generation"] == 1


def test_policy_that_was_stored_before_a_rule_still_gets_its_status(policies: Cluster, home: str) -> None:
    """The operator must be able to say that it is refused. On a definition of its own: others need theirs."""
    wanted = yaml.safe_load(renamed(DEFINITION.read_text()))
    [version] = wanted["spec"]["versions"]
    mode = field_at(version["schema"]["openAPIV3Schema"], "spec.pacing.mode")
    rules = mode.pop("x-kubernetes-validations")
    policies.apply(wanted)
    path = renamed(POLICIES.format(home))
    enforcing = json.loads(renamed(json.dumps(policy({"pacing": {"mode": "Enforce"}}, "old"))))
    until(lambda: policies.request("POST", path, enforcing).status in (201, 409), "it is stored")
    policies.apply({**wanted, "spec": with_rules(wanted["spec"], rules)})
    newer = {**enforcing, "metadata": {"name": "new"}}
    until(lambda: policies.request("POST", f"{path}?dryRun=All", newer).status == 422, "the rule holds")
    told = policies.request("PATCH", f"{path}/old/status", {"status": STATUS}, content_type=MERGE_PATCH)
    assert told.expect(200)["status"] == STATUS


def renamed(text: str) -> str:
    """The text with a kind of its own, which no name of ours leads to."""
    for ours, own in [
        ("claude-sidecar.dev", "stored.example"),
        ("ClaudePolicy", "StoredPolicy"),
        ("claudepolic", "storedpolic"),
        ("cpol", "spol"),
        ("- claude\n", "- stored\n"),
    ]:
        text = text.replace(ours, own)
    return text


def with_rules(spec: dict[str, Any], rules: list[dict[str, Any]]) -> dict[str, Any]:
    """A definition's spec with rules on the mode of pacing."""
    spec = copy.deepcopy(spec)
    mode = field_at(spec["versions"][0]["schema"]["openAPIV3Schema"], "spec.pacing.mode")
    mode["x-kubernetes-validations"] = rules
    return spec


BAD_STATUS = [
    {"conditions": [condition("Accepted", "Yes", "Accepted")]},
    {"conditions": [condition("Accepted", "True", "")]},
    {"conditions": [condition("Accepted", "True", "A"), condition("Accepted", "False", "B")]},
    {"conditions": [{"type": "Accepted", "status": "True"}]},
    {"hash": "0123"},
    {"pods": {"total": 1}},
    {"pods": {**STATUS["pods"], "current": -1}},  # type: ignore[dict-item]
    {"podsSummary": "2 of 3"},
]


@pytest.mark.parametrize("status", BAD_STATUS)
def test_status_out_of_form_is_refused(policies: Cluster, home: str, status: Any) -> None:
    path = f"{POLICIES.format(home)}/refused"
    if policies.request("GET", path).status == 404:
        policies.request("POST", POLICIES.format(home), policy({}, "refused")).expect(201)
    policies.request("PATCH", f"{path}/status", {"status": status}, content_type=MERGE_PATCH).expect(422)


def test_name_is_bounded_as_a_label_is(policies: Cluster, home: str) -> None:
    path = POLICIES.format(home) + "?dryRun=All"
    policies.request("POST", path, policy({}, "n" * 63)).expect(201)
    assert "metadata.name" in policies.request("POST", path, policy({}, "n" * 64)).expect(422)["message"]


def test_unknown_field_is_refused_by_kubectl_and_dropped_for_who_does_not_ask(
    policies: Cluster, home: str
) -> None:
    bad = policy({"retri": {}}, "unknown")
    with pytest.raises(KubectlFailed, match=r'unknown field "spec\.retri"'):
        policies.kubectl("-n", home, "apply", "-f-", stdin=bad)
    path = POLICIES.format(home) + "?dryRun=All&fieldValidation=Ignore"
    assert "retri" not in policies.request("POST", path, bad).expect(201)["spec"]


def test_applier_of_fewer_causes_gets_no_more_than_these(policies: Cluster, home: str) -> None:
    policies.request("POST", POLICIES.format(home), policy({}, "causes")).expect(201)
    shorter = policy({"retry": {"causes": ["Timeout"]}, "fallback": {"causes": []}}, "causes")
    spec = applied(policies, home, shorter, "one")
    assert spec["retry"]["causes"] == ["Timeout"]
    assert spec["fallback"]["causes"] == []


def test_two_appliers_own_prices_of_their_own_but_routes_together(policies: Cluster, home: str) -> None:
    applied(policies, home, policy({"prices": [{"model": "m"}]}, "shared"), "one")
    spec = applied(policies, home, policy({"prices": [{"model": "n"}]}, "shared"), "two")
    assert [price["model"] for price in spec["prices"]] == ["m", "n"]
    applied(policies, home, policy({"routes": [{"name": "b"}, {"name": "a"}]}, "routes"), "one")
    spec = applied(policies, home, policy({"routes": [{"name": "a"}]}, "routes"), "one")
    assert [route["name"] for route in spec["routes"]] == ["a"]


def applied(policies: Cluster, home: str, wanted: dict[str, Any], owner: str) -> dict[str, Any]:
    """The spec after a server-side apply of an owner's."""
    path = f"{POLICIES.format(home)}/{wanted['metadata']['name']}?fieldManager={owner}&force=true"
    body = policies.request("PATCH", path, json.dumps(wanted), content_type=APPLY_PATCH).expect(200, 201)
    return dict(body["spec"])

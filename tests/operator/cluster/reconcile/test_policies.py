"""Policies on a real API server: their ConfigMap and status through edits, deletions and other hands."""

import pytest
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.operator.operator_process import OperatorProcess
from support.operator.stand_in import StandIns

from claude_operator import names

CONFIG_MAP = "claude-policy-production"


@pytest.fixture(autouse=True)
def _running(operator: OperatorProcess) -> None:
    """Every test here has its operator."""


def test_new_policy_is_accepted_handed_out_and_shown_by_kubectl(policies) -> None:
    policies.apply(retry={"maxAttempts": 2})
    policies.wait_for("Programmed", "True/Programmed")
    assert policies.condition("Accepted") == "True/Accepted"
    assert policies.condition("ResolvedRefs") == "Unknown/NoPods"
    assert "maxAttempts: 2" in policies.file()
    shown = policies.cluster.kubectl("get", "cpol", "-n", policies.namespace).splitlines()
    assert shown[0].split() == ["NAME", "ACCEPTED", "PROGRAMMED", "PODS", "ROUTES", "AGE"]
    assert shown[1].split()[:5] == ["production", "True", "True", "0/0", "1"]


def test_operator_leaves_no_finalizer_annotation_or_owner_anywhere(policies) -> None:
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    meta = policies.get()["metadata"]
    assert "finalizers" not in meta
    assert "annotations" not in meta
    made = policies.config_map()["metadata"]
    assert "ownerReferences" not in made
    assert made["labels"][names.POLICY_UID] == meta["uid"]


def test_edit_reaches_file_and_status(policies) -> None:
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    before = policies.status()["hash"]
    policies.apply(retry={"maxAttempts": 9})
    until(lambda: "maxAttempts: 9" in policies.file(), "the edit is in the file")
    until(lambda: policies.status()["observedGeneration"] == 2, "the status is about the edit")
    assert policies.status()["hash"] != before


def test_policy_that_slips_past_the_schema_is_refused_in_checks_words_and_keeps_the_last_good_file(
    policies,
) -> None:
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    good = policies.file()
    policies.apply(routes=[{"name": "a", "endpoint": "https://[1:2]"}])
    policies.wait_for("Accepted", "False/Invalid")
    (accepted,) = (each for each in policies.status()["conditions"] if each["type"] == "Accepted")
    assert accepted["message"].startswith("spec.routes[0].endpoint: ")
    assert "does not appear to be an IPv4 or IPv6 address" in accepted["message"]
    assert policies.condition("Programmed") == "False/Invalid"
    assert policies.file() == good
    until(
        lambda: ("ClaudePolicy", "production", "PolicyRefused") in policies.reasons(), "the refusal is told"
    )


@pytest.mark.parametrize("deed", ["rewritten", "emptied", "deleted", "unlabelled"])
def test_config_map_that_hands_were_on_is_put_back(policies, deed: str) -> None:
    policies.apply(retry={"maxAttempts": 2})
    policies.wait_for("Programmed", "True/Programmed")
    good = policies.config_map()
    arguments = {
        "rewritten": ["patch", "cm", CONFIG_MAP, "-p", '{"data":{"policy.yaml":"spec: {}","more":"x"}}'],
        "emptied": ["patch", "cm", CONFIG_MAP, "--type=merge", "-p", '{"data":null}'],
        "deleted": ["delete", "cm", CONFIG_MAP],
        "unlabelled": ["label", "cm", CONFIG_MAP, f"{names.POLICY_UID}-", f"{names.POLICY_NAME}-"],
    }[deed]
    policies.cluster.kubectl("-n", policies.namespace, *arguments)

    def is_back() -> bool:
        found = policies.config_map()
        return found is not None and all(
            (
                found.get("data") == good["data"],
                found["metadata"].get("labels") == good["metadata"]["labels"],
            )
        )

    until(is_back, "it is as it was")


def test_foreign_config_map_is_left_alone_until_its_owner_removes_it(policies) -> None:
    policies.cluster.kubectl("-n", policies.namespace, "create", "cm", CONFIG_MAP, "--from-literal=a=b")
    policies.apply()
    policies.wait_for("Programmed", "False/Conflicted")
    assert policies.config_map()["data"] == {"a": "b"}
    until(lambda: ("ClaudePolicy", "production", "Conflicted") in policies.reasons(), "that is told")
    policies.cluster.kubectl("-n", policies.namespace, "delete", "cm", CONFIG_MAP)
    policies.wait_for("Programmed", "True/Programmed")
    assert names.POLICY_KEY in policies.config_map()["data"]


def test_deleted_policy_takes_its_config_map_along(policies) -> None:
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    policies.delete()
    until(lambda: policies.config_map() is None, "it is gone")


def test_renamed_policy_leaves_nothing_under_its_old_name(policies) -> None:
    policies.apply("before")
    policies.wait_for("Programmed", "True/Programmed", "before")
    policies.apply("after")
    policies.delete("before")
    policies.wait_for("Programmed", "True/Programmed", "after")
    until(lambda: policies.config_map("before") is None, "the old one is gone")
    assert policies.file("after")


def test_policy_deleted_while_in_use_leaves_its_file_until_the_last_pod_is_gone(
    policies, stand_ins: StandIns
) -> None:
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    name = stand_ins.make(policies.namespace, "production")
    stand_ins.report(policies.namespace, name, phase="Pending", waiting="ImagePullBackOff")
    until(lambda: ("Pod", name, "SidecarImage") in policies.reasons(), "it is seen")
    policies.delete()
    until(lambda: ("Pod", name, "PolicyNotFound") in policies.reasons(), "its pod is told of")
    assert policies.file()
    policies.cluster.kubectl("-n", policies.namespace, "delete", "pod", name, "--force")
    until(lambda: policies.config_map() is None, "the file went with the last pod")


def test_policy_made_anew_under_its_name_has_its_own_uid_in_the_file(policies) -> None:
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    policies.delete()
    uid = policies.apply(retry={"maxAttempts": 3})["metadata"]["uid"]

    def is_taken_over() -> bool:
        found = policies.config_map()
        return found is not None and found["metadata"]["labels"][names.POLICY_UID] == uid

    until(is_taken_over, "the new policy owns it")


def test_namespace_with_policies_and_pods_goes_away_without_resistance(
    policies, equipped: Cluster, operator: OperatorProcess
) -> None:
    policies.apply()
    policies.apply("other")
    policies.wait_for("Programmed", "True/Programmed")
    policies.wait_for("Programmed", "True/Programmed", "other")
    equipped.remove_namespace(policies.namespace)
    until(
        lambda: equipped.request("GET", f"/api/v1/namespaces/{policies.namespace}").status == 404,
        "the namespace is gone",
    )
    # Its ConfigMaps may be gone before the namespace is seen to be going: a few tries, and no more.
    failed = [line for line in operator.lines if line.get("message") == "pass failed"]
    assert len(failed) <= 6
    until(lambda: operator.metric("claude_operator_queue_length") == 0, "nothing is left to do")


def test_config_map_that_a_quota_forbids_is_told_and_made_once_there_is_room(policies) -> None:
    quotas = f"/api/v1/namespaces/{policies.namespace}/resourcequotas"
    quota = {"metadata": {"name": "maps"}, "spec": {"hard": {"count/configmaps": "0"}}}
    policies.cluster.request("POST", quotas, quota).expect()
    until(
        lambda: policies.cluster.request("GET", f"{quotas}/maps").body.get("status", {}).get("hard"),
        "the quota is in force",
    )
    policies.apply()
    policies.wait_for("Programmed", "False/NotWritten")
    (condition,) = [each for each in policies.status()["conditions"] if each["type"] == "Programmed"]
    assert "exceeded quota: maps" in condition["message"]
    assert policies.condition("Accepted") == "True/Accepted"
    until(lambda: ("ClaudePolicy", "production", "NotWritten") in policies.reasons(), "that is told")
    policies.cluster.request("DELETE", f"{quotas}/maps").expect()
    policies.wait_for("Programmed", "True/Programmed", seconds=60)
    assert policies.file()

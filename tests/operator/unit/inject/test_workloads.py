"""The policy of a workload, copied to its template and taken back."""

from typing import Any

import pytest
from support.fakes.pods import make_workload

from claude_operator.inject.place import Place
from claude_operator.inject.settings import Settings
from claude_operator.inject.workload import TEMPLATE_PATHS, Copied, copy_policy, template_of

POLICY = "claude-sidecar.dev/policy"
FROM = "claude-sidecar.dev/policy-from"
INJECT = "claude-sidecar.dev/inject"
INJECT_FROM = "claude-sidecar.dev/inject-from"
MARKED = {POLICY: "production", FROM: "workload"}


def copied(workload: dict[str, Any], *, created: bool = True) -> Copied:
    """What the webhook makes of a workload; holds that a second look changes nothing more."""
    place, settings = Place("shop", policies={"production": {}, "other": {}}), Settings()
    done = copy_policy(workload, place, settings, created=created)
    assert copy_policy(done.workload, place, settings, created=created).workload == done.workload
    return done


def annotations(workload: dict[str, Any]) -> dict[str, str]:
    """The annotations of a workload's template."""
    template = template_of(workload)
    assert template is not None
    found: dict[str, str] = template["metadata"].get("annotations", {})
    return found


@pytest.mark.parametrize("kind", TEMPLATE_PATHS)
def test_policy_of_a_workload_is_copied_to_its_template_and_marked(kind: str) -> None:
    done = copied(make_workload(kind, {POLICY: "production"}))
    assert annotations(done.workload) == MARKED
    assert done.warnings == ()


@pytest.mark.parametrize(
    ("own", "template", "expected"),
    [
        ({POLICY: "other"}, MARKED, {POLICY: "other", FROM: "workload"}),
        ({}, MARKED, {}),
        ({}, {**MARKED, "kept": "x"}, {"kept": "x"}),
        ({POLICY: "production"}, {FROM: "workload"}, MARKED),
        ({}, {FROM: "workload"}, {}),
        ({}, {POLICY: "production"}, {POLICY: "production"}),
        ({POLICY: "production"}, {POLICY: "production"}, {POLICY: "production"}),
        ({POLICY: "Not A Name"}, MARKED, MARKED),
        ({POLICY: "production"}, {POLICY: "other", FROM: "me"}, {POLICY: "other", FROM: "me"}),
        ({}, {}, {}),
    ],
)
def test_what_is_copied_follows_from_the_mark_alone(
    own: dict[str, str], template: dict[str, str], expected: dict[str, str]
) -> None:
    assert annotations(copied(make_workload("Deployment", own, template)).workload) == expected


def test_a_templates_own_value_wins_with_a_warning() -> None:
    done = copied(make_workload("Deployment", {POLICY: "production"}, {POLICY: "other"}))
    assert annotations(done.workload) == {POLICY: "other"}
    assert "'other', counts, not the workload's 'production'" in done.warnings[0]


def test_what_is_no_policys_name_is_not_copied() -> None:
    done = copied(make_workload("Deployment", {POLICY: "Not A Name"}))
    assert annotations(done.workload) == {}
    assert "it was not copied" in done.warnings[0]


@pytest.mark.parametrize("kind", ["ReplicaSet", "Job", "Deployment"])
def test_what_has_a_controller_is_never_touched(kind: str) -> None:
    owners = [{"kind": "Deployment", "name": "web", "controller": True}]
    workload = make_workload(kind, {POLICY: "production"}, ownerReferences=owners)
    done = copied(workload)
    assert done.workload is workload
    assert done.warnings == ()


def test_an_owner_that_is_no_controller_does_not_matter() -> None:
    owners = [{"kind": "App", "name": "web"}]
    done = copied(make_workload("Deployment", {POLICY: "production"}, ownerReferences=owners))
    assert annotations(done.workload) == MARKED


@pytest.mark.parametrize(("own", "template"), [({POLICY: "production"}, {}), ({}, MARKED)])
def test_a_job_that_runs_is_left_as_it_is_with_a_warning(
    own: dict[str, str], template: dict[str, str]
) -> None:
    workload = make_workload("Job", own, template)
    done = copied(workload, created=False)
    assert done.workload == workload
    assert "a Job's template cannot change" in done.warnings[0]


def test_a_job_whose_template_is_right_already_is_updated_without_a_word() -> None:
    assert copied(make_workload("Job", {POLICY: "production"}, MARKED), created=False).warnings == ()


def test_inject_false_on_a_workload_takes_the_policy_back_and_reaches_its_pods() -> None:
    done = copied(make_workload("Deployment", {POLICY: "production", INJECT: "false"}, MARKED))
    assert annotations(done.workload) == {INJECT: "false", INJECT_FROM: "workload"}


def test_inject_false_that_is_taken_back_brings_the_policy_back() -> None:
    template = {INJECT: "false", INJECT_FROM: "workload"}
    done = copied(make_workload("Deployment", {POLICY: "production"}, template))
    assert annotations(done.workload) == MARKED


def test_inject_false_of_the_template_itself_is_the_users_own() -> None:
    done = copied(make_workload("Deployment", {}, {INJECT: "false"}))
    assert annotations(done.workload) == {INJECT: "false"}


@pytest.mark.parametrize(
    ("spec", "warning"),
    [
        ({"hostNetwork": True}, "no sidecar is injected: hostNetwork"),
        (
            {"containers": [{"name": "app", "envFrom": [{"secretRef": {"name": "s"}}]}]},
            "container app has envFrom",
        ),
    ],
)
def test_warnings_of_its_pods_come_already_with_the_workload(spec: dict[str, Any], warning: str) -> None:
    workload = make_workload("Deployment", {POLICY: "production"})
    workload["spec"]["template"]["spec"].update(spec)
    assert any(warning in told for told in copied(workload).warnings)


def test_annotation_that_counts_in_the_template_only_is_told() -> None:
    done = copied(make_workload("Deployment", {POLICY: "production", "claude-sidecar.dev/containers": "app"}))
    assert "put it on its pod template" in done.warnings[0]


def test_template_without_metadata_gets_some() -> None:
    workload = make_workload("Deployment", {POLICY: "production"})
    workload["spec"]["template"] = {"metadata": None, "spec": {"containers": []}}
    assert annotations(copied(workload).workload) == MARKED


@pytest.mark.parametrize("template", [None, {}, {"metadata": {}}])
def test_workload_without_a_template_is_left_as_it_is(template: dict[str, Any] | None) -> None:
    workload = make_workload("Deployment", {POLICY: "production"})
    workload["spec"]["template"] = template
    assert copied(workload).workload is workload

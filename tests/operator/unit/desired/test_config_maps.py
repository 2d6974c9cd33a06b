"""The ConfigMap of a policy: what is in it, when it is written, put back, kept and taken away."""

from typing import Any

import pytest
import yaml
from support.policies.examples import EXAMPLES
from support.worlds.make import says, world
from support.worlds.objects import config_map, namespace, pod, policy
from support.worlds.server import after, appraise

from claude_operator import names
from claude_operator.desired.appraisal import appraised
from claude_operator.desired.config_maps import policy_file
from claude_operator.desired.decide import decide
from claude_operator.desired.desired import Desired
from claude_operator.desired.world import World
from claude_sidecar.config.parse import parse_policy
from claude_sidecar.schema.meaning import spec_hash

NAME = "claude-policy-production"


def settled(seen: World) -> World:
    """The World when there is nothing left to write."""
    for _ in range(4):
        desired = decide(seen, appraise)
        if not desired.writes:
            return seen
        seen = after(seen, desired)
    raise AssertionError(desired)


def text_of(desired: Desired) -> str:
    (new,) = desired.create
    return new.body["data"][names.POLICY_KEY]


def test_new_policy_gets_a_config_map_with_its_uid_and_without_an_owner() -> None:
    (new,) = decide(world([policy(uid="u-1")]), appraise).create
    assert (new.namespace, new.name) == ("shop", NAME)
    assert new.body["metadata"]["labels"][names.POLICY_UID] == "u-1"
    assert "ownerReferences" not in new.body["metadata"]


def test_file_holds_only_what_differs_from_the_defaults() -> None:
    spec = {
        "retry": {"maxAttempts": 7, "backoff": {"initial": "1s", "max": "9s"}},
        "timeouts": {"connect": "5s"},
        "routes": [{"name": "a", "provider": "Anthropic", "insecure": "Forbid"}],
        "pacing": {},
    }
    written = yaml.safe_load(text_of(decide(world([policy(spec=spec, generation=3)]), appraise)))
    assert written == {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": "production", "namespace": "shop", "generation": 3},
        "spec": {"routes": [{"name": "a"}], "retry": {"maxAttempts": 7, "backoff": {"max": "9s"}}},
    }


@pytest.mark.parametrize(("file", "written"), EXAMPLES)
def test_sidecar_reads_the_file_as_the_very_policy_that_the_user_wrote(
    file: str, written: dict[str, Any]
) -> None:
    given = policy(spec=written["spec"])
    appraisal = appraised(given, lambda *_: [])
    read = parse_policy(policy_file(given, appraisal, names.API_VERSION).encode(), "policy.yaml")
    assert spec_hash(read) == appraisal.hash


def test_edited_policy_changes_the_file_and_nothing_else() -> None:
    seen = settled(world([policy()]))
    edited = policy(generation=2, spec={"retry": {"maxAttempts": 2}}, status=seen.policies[0]["status"])
    now = World(
        policies=(edited,), config_maps=seen.config_maps, namespaces=seen.namespaces, now=seen.now + 60
    )
    desired = decide(now, appraise)
    (change,) = desired.change
    assert set(change.patch) == {"data"}
    assert "maxAttempts: 2" in change.patch["data"][names.POLICY_KEY]


@pytest.mark.parametrize(
    "edit",
    [
        {"data": {}},
        {"data": {names.POLICY_KEY: "spec: {}"}},
        {"labels": {names.POLICY_UID: "another"}},
        {"binaryData": {"x": "eA=="}},
    ],
    ids=["emptied", "rewritten", "relabelled", "added to"],
)
def test_config_map_of_ours_that_was_edited_by_hand_is_put_back(edit: dict) -> None:
    seen = settled(world([policy()]))
    good = seen.config_maps[0]
    edited = config_map(NAME, **{"labels": dict(good.labels), "data": dict(good.data), **edit})
    put_back = settled(world([seen.policies[0]], config_maps=[edited]))
    assert put_back.config_maps[0].data == good.data
    assert put_back.config_maps[0].labels == good.labels
    assert not put_back.config_maps[0].more


def test_config_map_whose_labels_were_taken_away_is_still_known_as_ours() -> None:
    desired = decide(world([policy()], config_maps=[config_map(NAME, manager=names.OPERATOR)]), appraise)
    assert len(desired.change) == 1
    assert not desired.create


def test_config_map_that_was_deleted_by_hand_is_made_again() -> None:
    seen = settled(world([policy()]))
    assert decide(world([seen.policies[0]]), appraise).create


def test_immutable_config_map_is_deleted_and_made_anew() -> None:
    frozen = config_map(NAME, labels={names.POLICY_UID: "uid-shop-production"}, immutable=True)
    seen = world([policy()], config_maps=[frozen])
    desired = decide(seen, appraise)
    assert len(desired.delete) == 1
    assert not settled(seen).config_maps[0].immutable


def test_foreign_config_map_is_never_written() -> None:
    desired = decide(world([policy()], config_maps=[config_map(NAME, data={"a": "b"})]), appraise)
    assert (desired.create, desired.change, desired.delete) == ((), (), ())
    conditions = {each["type"]: each for each in desired.statuses[0].status["conditions"]}
    assert (conditions["Programmed"]["status"], conditions["Programmed"]["reason"]) == ("False", "Conflicted")
    assert [event.reason for event in desired.events] == ["Conflicted"]


@pytest.mark.parametrize("spec", [{"retry": {"maxAttempts": 99}}, {"pacing": {"mode": "Enforce"}}])
def test_refused_policy_keeps_the_last_good_file(spec: dict[str, Any]) -> None:
    seen = settled(world([policy()]))
    bad = policy(generation=2, spec=spec, status=seen.policies[0]["status"])
    bad_world = World(policies=(bad,), config_maps=seen.config_maps, namespaces=seen.namespaces, now=seen.now)
    desired = decide(bad_world, appraise)
    assert (desired.create, desired.change, desired.delete) == ((), (), ())
    assert desired.statuses[0].status["hash"] == seen.policies[0]["status"]["hash"]


def test_config_map_goes_when_its_policy_is_gone_and_nobody_mounts_it() -> None:
    seen = settled(world([policy()]))
    left = World(config_maps=seen.config_maps, namespaces=seen.namespaces)
    assert [gone.name for gone in decide(left, appraise).delete] == [NAME]


@pytest.mark.parametrize(
    ("phase", "goes"), [("Running", False), ("Pending", False), ("Succeeded", True), ("Failed", True)]
)
def test_config_map_of_a_deleted_policy_stays_while_a_pod_mounts_it(phase: str, goes: bool) -> None:
    ours = config_map(NAME, labels={names.POLICY_UID: "u"})
    desired = decide(world(pods=[pod(phase=phase)], config_maps=[ours]), appraise)
    assert bool(desired.delete) is goes


def test_config_map_of_another_name_is_left_alone_whatever_its_labels() -> None:
    copied = config_map("backup", labels={names.POLICY_UID: "u"})
    assert not decide(world(config_maps=[copied]), appraise).writes


def test_policy_made_anew_takes_over_the_file_of_the_one_of_its_name() -> None:
    old = config_map(NAME, labels={names.POLICY_UID: "old"}, data={names.POLICY_KEY: "old"})
    (change,) = decide(world([policy(uid="new")], config_maps=[old]), appraise).change
    assert change.patch["metadata"]["labels"][names.POLICY_UID] == "new"


def test_nothing_is_written_in_a_namespace_that_is_going_away() -> None:
    going = [namespace(terminating=True)]
    ours = config_map("claude-policy-old", labels={names.POLICY_UID: "u"})
    seen = world([policy()], [pod(injected=False)], config_maps=[ours], namespaces=going)
    assert not decide(seen, appraise).writes


def test_every_pod_of_a_policy_can_read_the_version_it_is_written_in() -> None:
    seen = world([policy()], [pod()], reports={"uid-shop-web-1": says("x", version="0.1.0")})
    assert yaml.safe_load(text_of(decide(seen, appraise)))["apiVersion"] == names.API_VERSION

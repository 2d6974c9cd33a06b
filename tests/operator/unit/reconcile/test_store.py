"""The Store: whatever comes in whatever order, decisions key by key are those of the whole World."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.worlds.make import world
from support.worlds.objects import namespace, owner, pod, policy, workload
from support.worlds.server import appraise
from support.worlds.strategies import worlds

from claude_operator.desired.decide import decide, decide_policies, decide_workloads
from claude_operator.desired.desired import Desired, joined
from claude_operator.desired.world import Refusal, World
from claude_operator.reconcile.keys import Key, PolicyKey, WorkloadKey
from claude_operator.reconcile.kinds import KINDS
from claude_operator.reconcile.seen import Seen, is_newer
from claude_operator.reconcile.store import Store

WEB_1 = owner("ReplicaSet", "web-1")
REPLICA_SET = workload("ReplicaSet", "web-1", owner=owner("Deployment", "web"))


def records(seen: World) -> list[Any]:
    """All that is in a World."""
    return [
        *seen.policies,
        *seen.config_maps,
        *seen.pods,
        *seen.workloads,
        *seen.namespaces.values(),
        *seen.refusals,
    ]


def decided(store: Store, keys: set[Key], seen: World) -> Desired:
    """What is decided key by key."""
    parts = []
    for key in keys:
        part = store.about_policy(key) if isinstance(key, PolicyKey) else store.about_workload(key)
        about = replace(seen, **{field: getattr(part, field) for field in FIELDS})
        is_policy = isinstance(key, PolicyKey)
        parts.append(decide_policies(about, appraise) if is_policy else decide_workloads(about))
    return joined(parts)


FIELDS = ("policies", "config_maps", "pods", "workloads", "namespaces", "refusals")


@pytest.mark.long
@given(worlds(), st.randoms(use_true_random=False))
def test_keys_that_are_concerned_cover_the_world_whatever_came_first(seen: World, chance: Any) -> None:
    keys: set[Key] = set()
    store = Store(keys.add)
    shuffled = records(seen)
    chance.shuffle(shuffled)
    for record in shuffled:
        store.put(record)
    assert decided(store, keys, seen) == decide(seen, appraise)


@given(worlds(), worlds(), st.randoms(use_true_random=False))
@pytest.mark.long
def test_change_concerns_every_key_whose_decision_it_changes(before: World, seen: World, chance: Any) -> None:
    keys: set[Key] = set()
    store = Store(keys.add)
    for record in records(before):
        store.put(record)
    everything = set(keys)
    keys.clear()
    gone = [each for each in records(before) if _place(each) not in {_place(new) for new in records(seen)}]
    changes = [(store.drop, each) for each in gone] + [(store.put, each) for each in records(seen)]
    chance.shuffle(changes)
    for change, record in changes:
        change(record)
    assert decided(store, keys | everything, seen) == decide(seen, appraise)
    untouched = decided(store, everything - keys, seen)
    assert untouched == decided(_store_of(before), everything - keys, replace(before, reports=seen.reports))


def _store_of(seen: World) -> Store:
    store = Store(lambda _: None)
    for record in records(seen):
        store.put(record)
    return store


def _place(record: Any) -> tuple[str, ...]:
    if isinstance(record, dict):
        return "policy", record["metadata"]["namespace"], record["metadata"]["name"]
    subject = getattr(record, "subject", record)
    return (
        type(record).__name__,
        getattr(subject, "namespace", ""),
        getattr(subject, "kind", ""),
        subject.name,
    )


def test_record_that_only_has_a_new_version_concerns_nobody() -> None:
    keys: list[Key] = []
    store = Store(keys.append)
    first = world(pods=[pod()], namespaces=[]).pods[0]
    store.put(first)
    keys.clear()
    store.put(replace(first, version="2"))
    assert keys == []


def test_pod_that_came_before_its_replica_set_is_decided_about_with_the_deployment() -> None:
    keys: list[Key] = []
    store = Store(keys.append)
    seen = world([policy()], [pod(owner=WEB_1)], [REPLICA_SET, workload()], namespaces=[namespace()])
    store.put(seen.pods[0])
    assert keys == [PolicyKey("shop", "production")]
    for each in seen.workloads:
        store.put(each)
    assert keys[-1] == WorkloadKey("shop", "uid-shop-Deployment-web")
    about = store.about_workload(WorkloadKey("shop", "uid-shop-Deployment-web"))
    assert about.pods == seen.pods


def test_pod_that_is_set_free_of_its_replica_set_concerns_itself_and_what_it_came_from() -> None:
    keys: list[Key] = []
    store = Store(keys.append)
    owned, free = (world(pods=[each], namespaces=[]).pods[0] for each in (pod(owner=WEB_1), pod(version=2)))
    for each in (*world(workloads=[workload(), REPLICA_SET]).workloads, owned):
        store.put(each)
    keys.clear()
    store.put(free)
    deployment, itself = (WorkloadKey("shop", uid) for uid in ("uid-shop-Deployment-web", free.uid))
    assert set(keys) == {PolicyKey("shop", "production"), deployment, itself}
    assert store.about_workload(deployment).pods == ()
    assert store.about_workload(itself).pods == (free,)


def test_refusal_that_is_forgotten_concerns_its_workload() -> None:
    keys: list[Key] = []
    store = Store(keys.append)
    refusal = Refusal("shop", "r", "uid-r", "1", "uid-shop-ReplicaSet-web-1", "exceeded quota")
    for each in (*world(workloads=[workload(), REPLICA_SET]).workloads, refusal):
        store.put(each)
    keys.clear()
    store.drop(refusal)
    assert keys == [WorkloadKey("shop", "uid-shop-Deployment-web")]
    assert store.about_workload(keys[0]).refusals == ()


@pytest.mark.parametrize("name", ["production", "claude-policy-production"])
def test_change_of_a_namespace_concerns_its_policies(name: str) -> None:
    keys: list[Key] = []
    store = Store(keys.append)
    store.put(policy(name))
    keys.clear()
    (space,) = world(namespaces=[namespace(terminating=True)]).namespaces.values()
    store.put(space)
    assert keys == [PolicyKey("shop", name)]


def test_older_news_than_what_is_known_is_passed_over() -> None:
    store = Store(lambda _: None)
    seen = Seen(store)
    newer, older = policy(version=10, generation=2), policy(version=9)
    seen.put(KINDS[0], newer)
    seen.put(KINDS[0], older)
    assert store.policies[PolicyKey("shop", "production")]["metadata"]["generation"] == 2
    seen.drop(KINDS[0], newer["metadata"]["uid"])
    assert store.policies == {}


def test_versions_are_compared_as_numbers() -> None:
    assert is_newer("10", "9")
    assert not is_newer("9", "10")
    assert not is_newer("x", "9")

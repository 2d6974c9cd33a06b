"""Whatever the World: once all is written nothing more is, and neither order nor cutting down matters."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from worlds.make import says, world
from worlds.objects import config_map, namespace, owner, pod, policy, workload
from worlds.server import after, appraise

from claude_operator import names
from claude_operator.desired.decide import decide, decide_policies, decide_workloads
from claude_operator.desired.desired import joined
from claude_operator.desired.world import World

NAMES = ("a", "b")
SPACES = ("shop", "work")
SPECS: tuple[dict[str, Any], ...] = ({}, {"retry": {"maxAttempts": 2}}, {"retry": {"maxAttempts": 99}})
HASHES = [appraise(policy(spec=spec)).hash for spec in SPECS[:2]]

names_ = st.sampled_from(NAMES)
spaces = st.sampled_from(SPACES)
maps = st.builds(
    lambda name, space, ours, **more: config_map(
        f"claude-policy-{name}", space, labels={names.POLICY_UID: "u"} if ours else {}, **more
    ),
    names_,
    spaces,
    st.booleans(),
    data=st.sampled_from([{}, {names.POLICY_KEY: "x"}, {"other": "x"}]),
    immutable=st.booleans(),
)
policies = st.builds(
    lambda name, space, spec, generation: policy(name, space, spec=spec, generation=generation),
    names_,
    spaces,
    st.sampled_from(SPECS),
    st.integers(1, 3),
)
owners = st.sampled_from([None, ("Deployment", "d", "apps/v1"), ("ReplicaSet", "r", "apps/v1")])


def some_pod(number: int, space: str, owned: tuple[str, str, str] | None, **more: Any) -> dict[str, Any]:
    if owned is not None:
        more["owner"] = owner(*owned, namespace=space)
    return pod(f"p{number}", space, **more)


pods = st.builds(
    some_pod,
    st.integers(1, 12),
    spaces,
    owners,
    policy=names_,
    injected=st.booleans(),
    phase=st.sampled_from(["Pending", "Running", "Succeeded"]),
    terminating=st.booleans(),
    started=st.booleans(),
    created=st.sampled_from(["2025-01-01T00:00:00Z", "2026-06-01T00:00:00Z"]),
)
reports = st.one_of(
    st.none(),
    st.builds(
        says,
        st.sampled_from([*HASHES, "x"]),
        restart_required=st.booleans(),
        credentials_missing=st.sampled_from([(), ("anthropic",)]),
    ),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A World of two namespaces in which much may be amiss."""
    unique = {"unique_by": lambda each: (each["metadata"]["namespace"], each["metadata"]["name"])}
    some_pods = draw(st.lists(pods, max_size=8, **unique))
    asked = [each["metadata"]["uid"] for each in some_pods if draw(st.booleans())]
    labels = draw(st.sampled_from([{}, {names.POLICY: "a"}]))
    made = [
        each
        for space in SPACES
        for each in (
            workload("Deployment", "d", space, annotations=draw(st.sampled_from([{}, {names.POLICY: "b"}]))),
            workload("ReplicaSet", "r", space, owner=owner("Deployment", "d", namespace=space)),
        )
    ]
    return world(
        draw(st.lists(policies, max_size=4, **unique)),
        some_pods,
        made,
        draw(st.lists(maps, max_size=4, **unique)),
        [namespace("shop", labels=labels), namespace("work", terminating=draw(st.booleans()))],
        reports={uid: draw(reports) for uid in asked},
        asking=draw(st.booleans()),
        nudging=draw(st.booleans()),
    )


@given(worlds())
@settings(max_examples=300, deadline=None)
def test_once_all_is_written_nothing_more_is(seen: World) -> None:
    statuses, events, rounds = [], [], 0
    while (desired := decide(seen, appraise)).writes:
        statuses += [status.uid for status in desired.statuses]
        events += [event.name for event in desired.events]
        seen = after(seen, desired)
        rounds += 1
        assert rounds <= 3, desired
    assert len(statuses) == len(set(statuses))
    assert len(events) == len(set(events))


@given(worlds(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_does_not_matter(seen: World, chance: Any) -> None:
    shuffled = {
        field: tuple(chance.sample(getattr(seen, field), len(getattr(seen, field))))
        for field in ("policies", "config_maps", "pods", "workloads")
    }
    assert decide(replace(seen, **shuffled), appraise) == decide(seen, appraise)


@given(worlds())
@settings(deadline=None)
def test_world_cut_down_to_one_policy_or_workload_decides_the_same_of_it(seen: World) -> None:
    parts = []
    for space in SPACES:
        parts += [decide_policies(_about_policy(seen, space, name), appraise) for name in NAMES]
        here = replace(
            seen,
            policies=tuple(each for each in seen.policies if each["metadata"]["namespace"] == space),
            pods=tuple(each for each in seen.pods if each.namespace == space),
            workloads=tuple(each for each in seen.workloads if each.subject.namespace == space),
        )
        alone = [each for each in here.pods if each.owner is None]
        parts += [decide_workloads(replace(here, pods=(each,), workloads=())) for each in alone]
        owned = tuple(each for each in here.pods if each.owner is not None)
        parts.append(decide_workloads(replace(here, pods=owned)))
    assert joined(parts) == decide(seen, appraise)


def _about_policy(seen: World, space: str, name: str) -> World:
    return replace(
        seen,
        policies=tuple(
            each
            for each in seen.policies
            if (each["metadata"]["namespace"], each["metadata"]["name"]) == (space, name)
        ),
        config_maps=tuple(
            each
            for each in seen.config_maps
            if (each.namespace, each.name) == (space, names.configmap_name(name))
        ),
        pods=tuple(each for each in seen.pods if each.namespace == space and name in each.mounts),
        workloads=(),
    )

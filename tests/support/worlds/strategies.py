"""Worlds in which much may be amiss, for properties that hold in all of them."""

from typing import Any

from hypothesis import strategies as st
from support.worlds.make import says, world
from support.worlds.objects import config_map, namespace, owner, pod, policy, workload
from support.worlds.server import appraise

from claude_operator import names
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

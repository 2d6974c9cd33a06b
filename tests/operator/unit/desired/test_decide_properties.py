"""Whatever the World: once all is written nothing more is, and neither order nor cutting down matters."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.worlds.server import after, appraise
from support.worlds.strategies import NAMES, SPACES, worlds

from claude_operator import names
from claude_operator.desired.decide import decide, decide_policies, decide_workloads
from claude_operator.desired.desired import joined
from claude_operator.desired.world import World


@pytest.mark.long
@given(worlds())
@settings(max_examples=300)
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


@pytest.mark.long
@given(worlds(), st.randoms(use_true_random=False))
def test_order_does_not_matter(seen: World, chance: Any) -> None:
    shuffled = {
        field: tuple(chance.sample(getattr(seen, field), len(getattr(seen, field))))
        for field in ("policies", "config_maps", "pods", "workloads")
    }
    assert decide(replace(seen, **shuffled), appraise) == decide(seen, appraise)


@pytest.mark.long
@given(worlds())
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

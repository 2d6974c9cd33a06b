"""What an API server makes of a Desired: the World after it, for tests of the pure part."""

import copy
from dataclasses import replace
from typing import Any

from support.worlds.objects import T0

from claude_operator import names
from claude_operator.crd.judge import judge
from claude_operator.desired import records
from claude_operator.desired.appraisal import Appraisal, appraised
from claude_operator.desired.desired import ChangedConfigMap, Desired, Status
from claude_operator.desired.world import ConfigMap, World


def appraise(policy: dict[str, Any]) -> Appraisal:
    """The appraisal as the operator makes it."""
    return appraised(policy, judge)


def after(world: World, desired: Desired) -> World:
    """The World once all of a Desired was written."""
    maps = {(each.namespace, each.name): each for each in world.config_maps}
    for change in desired.change:
        place = change.namespace, change.name
        assert maps[place].version == change.version
        maps[place] = _patched(maps[place], change)
    for gone in desired.delete:
        assert maps.pop((gone.namespace, gone.name)).version == gone.version
    for new in desired.create:
        place = new.namespace, new.name
        assert place not in maps
        body = copy.deepcopy(new.body)
        body["metadata"] |= {
            "namespace": new.namespace,
            "uid": f"uid-cm-{new.name}",
            "resourceVersion": "100",
            "managedFields": [{"manager": names.OPERATOR, "time": T0}],
        }
        maps[place] = records.config_map(body)
    statuses = {status.uid: status for status in desired.statuses}
    nudged = {nudge.uid: nudge.value for nudge in desired.nudges}
    return replace(
        world,
        config_maps=tuple(maps.values()),
        policies=tuple(
            _with_status(policy, statuses.get(policy["metadata"]["uid"])) for policy in world.policies
        ),
        pods=tuple(replace(pod, nudge=nudged[pod.uid]) if pod.uid in nudged else pod for pod in world.pods),
        told=world.told | {event.name for event in desired.events},
        written={**world.written, **dict.fromkeys(statuses, world.now)},
    )


def _patched(seen: ConfigMap, change: ChangedConfigMap) -> ConfigMap:
    data = {**seen.data, **change.patch.get("data", {})}
    return replace(
        seen,
        version=f"{seen.version}0",
        labels={**seen.labels, **change.patch.get("metadata", {}).get("labels", {})},
        data={key: value for key, value in data.items() if value is not None},
        more=seen.more and "binaryData" not in change.patch,
    )


def _with_status(policy: dict[str, Any], status: Status | None) -> dict[str, Any]:
    if status is None:
        return policy
    assert status.version == policy["metadata"]["resourceVersion"]
    merged = {**policy.get("status", {}), **copy.deepcopy(status.status)}
    kept = {key: value for key, value in merged.items() if key not in status.gone}
    meta = {**policy["metadata"], "resourceVersion": f"{status.version}0"}
    return {**policy, "metadata": meta, "status": kept}

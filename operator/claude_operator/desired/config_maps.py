"""The ConfigMap of each policy: made, put back, taken away; never another's."""

from typing import Any

import yaml

from claude_operator import names
from claude_operator.desired.appraisal import Appraisal
from claude_operator.desired.desired import ChangedConfigMap, NewConfigMap, SuperfluousConfigMap
from claude_operator.desired.world import ConfigMap, Object, Pod


def policy_file(policy: Object, appraisal: Appraisal, api_version: str) -> str:
    """What the sidecars read: the policy without fields that are at their defaults."""
    meta = policy["metadata"]
    content = {
        "apiVersion": api_version,
        "kind": names.KIND,
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "generation": meta["generation"],
        },
        "spec": appraisal.spec,
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=False)


def written_config_map(
    policy: Object, text: str, seen: ConfigMap | None
) -> NewConfigMap | ChangedConfigMap | SuperfluousConfigMap | None:
    """What must be done so that the policy's ConfigMap holds the text; None if it does.

    seen: the ConfigMap of that name, which is ours. An immutable one is deleted, to be made anew.
    """
    meta = policy["metadata"]
    name, labels = names.configmap_name(meta["name"]), _labels(meta)
    data = {names.POLICY_KEY: text}
    if seen is None:
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "labels": labels},
            "data": data,
        }
        return NewConfigMap(meta["namespace"], name, body)
    patch: dict[str, Any] = {}
    wrong_labels = {key: value for key, value in labels.items() if seen.labels.get(key) != value}
    if wrong_labels:
        patch["metadata"] = {"labels": wrong_labels}
    if seen.data != data:
        patch["data"] = {**{key: None for key in seen.data if key != names.POLICY_KEY}, **data}
    if seen.more:
        patch["binaryData"] = None
    if not patch:
        return None
    if seen.immutable:
        return SuperfluousConfigMap(seen.namespace, seen.name, seen.uid, seen.version)
    return ChangedConfigMap(seen.namespace, seen.name, seen.version, patch)


def left_behind(seen: ConfigMap, pods: list[Pod]) -> SuperfluousConfigMap | None:
    """The deletion of a ConfigMap of ours whose policy is gone; pods: all that mount it."""
    if not seen.ours or not seen.name.startswith(names.CONFIGMAP_PREFIX) or any(not pod.over for pod in pods):
        return None
    return SuperfluousConfigMap(seen.namespace, seen.name, seen.uid, seen.version)


def _labels(meta: Object) -> dict[str, str]:
    return {
        names.MANAGED_BY: names.OPERATOR,
        names.POLICY_NAME: meta["name"],
        names.POLICY_UID: meta["uid"],
    }

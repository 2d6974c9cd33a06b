"""Pods and workloads as an API server would hand them to the webhook, and a reader of patches."""

import copy
from typing import Any

OWN_KEYS = {
    "routes": [
        {"name": "a", "credential": {"secretKeyRef": {"name": "claude-keys", "key": "a"}}},
        {"name": "b", "credential": {"secretKeyRef": {"name": "team.keys", "key": "b"}}},
    ]
}
FIRST_FORWARDS = {"routes": [{"name": "a"}, OWN_KEYS["routes"][1]]}


def make_pod(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod of one container that asks for the policy `production`, unless told otherwise."""
    asked = {"claude-sidecar.dev/policy": "production"} if annotations is None else annotations
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "web-", "annotations": asked},
        "spec": {"containers": [{"name": "app", "image": "app:1"}], **spec},
    }


def container(pod: dict[str, Any], name: str) -> dict[str, Any]:
    """A container or init container of a pod, by its name."""
    spec = pod["spec"]
    return next(
        each for each in [*spec.get("initContainers", []), *spec["containers"]] if each["name"] == name
    )


def env(pod: dict[str, Any], name: str) -> dict[str, Any]:
    """The literal variables of a container."""
    return {entry["name"]: entry.get("value") for entry in container(pod, name).get("env", [])}


def make_workload(
    kind: str,
    annotations: dict[str, str] | None = None,
    template: dict[str, str] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """A workload with annotations of its own and on its template."""
    pod = make_pod(template or {})
    pod_template = {"metadata": {"annotations": pod["metadata"]["annotations"]}, "spec": pod["spec"]}
    spec: dict[str, Any] = {"template": pod_template}
    if kind == "CronJob":
        spec = {"schedule": "* * * * *", "jobTemplate": {"spec": spec}}
    return {
        "kind": kind,
        "metadata": {"name": "web", "annotations": annotations or {}, **metadata},
        "spec": spec,
    }


def patched(before: Any, operations: list[dict[str, Any]]) -> Any:
    """What a JSON patch of adds, removals and replacements makes of a document."""
    document = copy.deepcopy(before)
    for operation in operations:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
        if not steps:
            document = operation["value"]
            continue
        parent = document
        for step in steps[:-1]:
            parent = parent[int(step)] if isinstance(parent, list) else parent[step]
        last = int(steps[-1]) if isinstance(parent, list) else steps[-1]
        if operation["op"] == "remove":
            del parent[last]
        elif isinstance(parent, list) and operation["op"] == "add":
            assert last <= len(parent)
            parent.insert(last, operation["value"])
        else:
            assert (last in parent) == (operation["op"] == "replace") or isinstance(parent, list)
            parent[last] = copy.deepcopy(operation["value"])
    return document

"""Objects as an API server gives them, for worlds made in tests."""

from typing import Any

from claude_operator import names

T0 = "2026-01-01T00:00:00Z"
T0_UNIX = 1767225600.0
ROUTE = {"name": "anthropic"}


def policy(name: str = "production", namespace: str = "shop", **more: Any) -> dict[str, Any]:
    """A ClaudePolicy; more: uid, generation, version, spec, status."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": more.get("uid", f"uid-{namespace}-{name}"),
            "generation": more.get("generation", 1),
            "resourceVersion": str(more.get("version", 1)),
        },
        "spec": more.get("spec", {}),
        **({"status": more["status"]} if "status" in more else {}),
    }


def pod(name: str = "web-1", namespace: str = "shop", **more: Any) -> dict[str, Any]:
    """A Pod of a policy.

    more: policy (its annotation and mount), injected, started, phase, terminating, annotations, owner, ip,
    waiting, created.
    """
    named = more.get("policy", "production")
    annotations = {names.POLICY: named} if named else {}
    injected = more.get("injected", bool(named))
    if injected:
        annotations[names.STATUS] = "injected"
    meta: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{namespace}-{name}",
        "resourceVersion": str(more.get("version", 1)),
        "creationTimestamp": more.get("created", T0),
        "annotations": {**annotations, **more.get("annotations", {})},
    }
    if more.get("terminating"):
        meta["deletionTimestamp"] = T0
    if "owner" in more:
        meta["ownerReferences"] = [more["owner"]]
    spec: dict[str, Any] = {"containers": [{"name": "app"}]}
    status: dict[str, Any] = {"phase": more.get("phase", "Running"), "podIP": more.get("ip", "10.0.0.1")}
    if injected:
        spec["initContainers"] = [{"name": names.CONTAINER, "restartPolicy": "Always"}]
        spec["volumes"] = [{"name": "policy", "configMap": {"name": names.configmap_name(named)}}]
        state = {"waiting": {"reason": more["waiting"]}} if "waiting" in more else {"running": {}}
        said = {
            "name": names.CONTAINER,
            "started": more.get("started", "waiting" not in more),
            "state": state,
        }
        status["initContainerStatuses"] = [said]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status}


def owner(kind: str, name: str, api_version: str = "apps/v1", namespace: str = "shop") -> dict[str, Any]:
    """An owner reference of a controller."""
    uid = f"uid-{namespace}-{kind}-{name}"
    return {"apiVersion": api_version, "kind": kind, "name": name, "uid": uid, "controller": True}


def workload(
    kind: str = "Deployment", name: str = "web", namespace: str = "shop", **more: Any
) -> dict[str, Any]:
    """A workload; more: annotations, template (annotations), owner, labels."""
    meta: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{namespace}-{kind}-{name}",
        "resourceVersion": str(more.get("version", 1)),
        "annotations": more.get("annotations", {}),
    }
    if "owner" in more:
        meta["ownerReferences"] = [more["owner"]]
    template = {"metadata": {"annotations": more.get("template", {})}, "spec": {}}
    spec = {"jobTemplate": {"spec": {"template": template}}} if kind == "CronJob" else {"template": template}
    return {"kind": kind, "metadata": meta, "spec": spec, "status": more.get("status", {})}


def namespace(name: str = "shop", **more: Any) -> dict[str, Any]:
    """A Namespace; more: labels, terminating."""
    phase = "Terminating" if more.get("terminating") else "Active"
    meta = {"name": name, "resourceVersion": "1", "labels": more.get("labels", {})}
    return {"metadata": meta, "status": {"phase": phase}}


def config_map(name: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    """A ConfigMap; more: labels, data, uid, manager, immutable, binaryData."""
    meta: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "uid": more.get("uid", f"uid-cm-{namespace}-{name}"),
        "resourceVersion": str(more.get("version", 1)),
        "labels": more.get("labels", {}),
    }
    if "manager" in more:
        meta["managedFields"] = [{"manager": more["manager"], "operation": "Update", "time": T0}]
    rest = {key: more[key] for key in ("data", "immutable", "binaryData") if key in more}
    return {"metadata": meta, **rest}

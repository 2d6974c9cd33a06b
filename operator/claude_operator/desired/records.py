"""From objects of the API server to records of the World; what is missing or odd in them is passed over."""

from datetime import datetime
from typing import Any

from claude_operator import names
from claude_operator.desired.world import (
    ConfigMap,
    Namespace,
    Object,
    Pod,
    Refusal,
    Subject,
    Workload,
)


def config_map(body: Object) -> ConfigMap:
    """The record of a ConfigMap."""
    meta = _meta(body)
    labels = meta.get("labels") or {}
    written = [
        unix_seconds(entry.get("time"))
        for entry in meta.get("managedFields") or ()
        if entry.get("manager") == names.OPERATOR
    ]
    return ConfigMap(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        version=meta["resourceVersion"],
        labels=dict(labels),
        data=dict(body.get("data") or {}),
        ours=names.POLICY_UID in labels or bool(written),
        written_at=max(written, default=0.0),
        more=bool(body.get("binaryData")),
        immutable=body.get("immutable") is True,
    )


def pod(body: Object) -> Pod:
    """The record of a Pod."""
    meta, spec, status = _meta(body), body.get("spec") or {}, body.get("status") or {}
    annotations = meta.get("annotations") or {}
    sidecar = any(each.get("name") == names.CONTAINER for each in spec.get("initContainers") or ())
    said = _sidecar_status(status) if sidecar else {}
    state = said.get("state") or {}
    return Pod(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        version=meta["resourceVersion"],
        policy=annotations.get(names.POLICY),
        off=_off(meta),
        outcome=annotations.get(names.STATUS),
        nudge=annotations.get(names.NUDGE),
        phase=status.get("phase") or "",
        terminating=bool(meta.get("deletionTimestamp")),
        sidecar=sidecar,
        started=said.get("started") is True,
        waiting=(state.get("waiting") or {}).get("reason"),
        mounts=_mounts(spec) if sidecar else (),
        ip=status.get("podIP") or "",
        owner=_owner(meta),
        created_at=unix_seconds(meta.get("creationTimestamp")),
    )


def workload(body: Object, api_version: str, kind: str) -> Workload:
    """The record of a workload; lists leave out the items' own apiVersion and kind."""
    meta, spec = _meta(body), body.get("spec") or {}
    template = spec.get("template") or ((spec.get("jobTemplate") or {}).get("spec") or {}).get("template")
    inner = (template or {}).get("metadata") or {}
    annotations, template_annotations = meta.get("annotations") or {}, inner.get("annotations") or {}
    ended = (body.get("status") or {}).get("conditions") or () if kind == "Job" else ()
    return Workload(
        subject=Subject(api_version, kind, meta["namespace"], meta["name"], meta["uid"]),
        version=meta["resourceVersion"],
        policy=annotations.get(names.POLICY),
        off=_off(meta),
        template_policy=template_annotations.get(names.POLICY),
        template_copied=template_annotations.get(names.POLICY_FROM) == names.FROM_WORKLOAD,
        template_off=_off(inner),
        owner=_owner(meta),
        over=any(
            each.get("type") in ("Complete", "Failed") and each.get("status") == "True" for each in ended
        ),
    )


def namespace(body: Object) -> Namespace:
    """The record of a Namespace."""
    meta = _meta(body)
    labels = meta.get("labels") or {}
    phase = (body.get("status") or {}).get("phase")
    return Namespace(
        name=meta["name"],
        version=meta["resourceVersion"],
        terminating=phase == "Terminating" or bool(meta.get("deletionTimestamp")),
        default_policy=labels.get(names.POLICY),
        off=labels.get(names.INJECT) == "false",
    )


def refusal(body: Object) -> Refusal:
    """The record of an Event with which a controller told that it could not make a pod."""
    meta = _meta(body)
    return Refusal(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        version=meta["resourceVersion"],
        about=(body.get("involvedObject") or {}).get("uid") or "",
        message=body.get("message") or "",
    )


def unix_seconds(time: Any) -> float:
    """Seconds since 1970 of a time as the API server writes it; 0 where there is none."""
    return datetime.fromisoformat(time).timestamp() if isinstance(time, str) and time else 0.0


def _meta(body: Object) -> Object:
    meta: Object = body["metadata"]
    return meta


def _sidecar_status(status: Object) -> Object:
    for each in status.get("initContainerStatuses") or ():
        if each.get("name") == names.CONTAINER:
            found: Object = each
            return found
    return {}


def _off(meta: Object) -> bool:
    return "false" in (
        (meta.get("annotations") or {}).get(names.INJECT),
        (meta.get("labels") or {}).get(names.INJECT),
    )


def _mounts(spec: Object) -> tuple[str, ...]:
    volumes = spec.get("volumes") or ()
    projected = [source for each in volumes for source in (each.get("projected") or {}).get("sources") or ()]
    maps = [(each.get("configMap") or {}).get("name") or "" for each in (*volumes, *projected)]
    found = {
        name.removeprefix(names.CONFIGMAP_PREFIX) for name in maps if name.startswith(names.CONFIGMAP_PREFIX)
    }
    return tuple(sorted(found - {""}))


def _owner(meta: Object) -> Subject | None:
    for owner in meta.get("ownerReferences") or ():
        if owner.get("controller") is True:
            return Subject(
                owner["apiVersion"], owner["kind"], meta.get("namespace") or "", owner["name"], owner["uid"]
            )
    return None

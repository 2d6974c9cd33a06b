"""The policy of a workload, copied to its pod template: to annotate a Deployment starts a rollout."""

from dataclasses import dataclass

from claude_operator import names
from claude_operator.inject.asked import is_off, switch_warnings
from claude_operator.inject.json_value import Object, annotate, annotations_of
from claude_operator.inject.known_annotations import (
    misplaced_annotation_warnings,
    unknown_annotation_warnings,
)
from claude_operator.inject.place import Place
from claude_operator.inject.pod import inject
from claude_operator.inject.settings import Settings
from claude_operator.policy_name import is_policy_name

TEMPLATE_PATHS = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Kinds that a policy can be put on, and where their pod template is."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of a workload."""

    workload: Object
    warnings: tuple[str, ...]


def is_controlled(manifest: Object) -> bool:
    """Whether another object makes and changes this one."""
    owners = (manifest.get("metadata") or {}).get("ownerReferences") or ()
    return any(owner.get("controller") for owner in owners)


def template_of(workload: Object) -> Object | None:
    """The pod template of a workload; None where the kind has none."""
    found: Object | None = workload
    for step in TEMPLATE_PATHS.get(str(workload.get("kind")), ("no such kind",)):
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def copy_policy(workload: Object, place: Place, settings: Settings, *, created: bool) -> Copied:
    """Make the template say what the workload's own metadata says; the workload given stays as it is.

    What to do follows from the mark on the template alone, so a removal that was missed is made up for at the
    next review. created: whether the object is new; a Job's template cannot change later. What has a
    controller is never touched: a Deployment's annotations are copied to its ReplicaSets, and to change those
    would make it breed new ones for ever.
    """
    if is_controlled(workload) or not (template_of(workload) or {}).get("spec"):
        return Copied(workload, ())  # without a template of pods the API server refuses it
    changed, template = _own(workload)
    warnings = [
        *switch_warnings(workload),
        *unknown_annotation_warnings(workload),
        *misplaced_annotation_warnings(workload),
    ]
    _copy_off(workload, template)
    warnings += _copy_name(workload, template)
    if template == template_of(workload):
        changed = workload
    elif workload["kind"] == "Job" and not created:
        changed, template = workload, template_of(workload) or template
        warnings.append("a Job's template cannot change; delete and create the Job to change its policy")
    warnings += inject(template, place, settings).warnings
    return Copied(changed, tuple(dict.fromkeys(warnings)))


def _own(workload: Object) -> tuple[Object, Object]:
    """A copy of the workload down to its template's metadata, and that template; all else is shared."""
    changed = part = dict(workload)
    for step in TEMPLATE_PATHS[workload["kind"]]:
        part[step] = dict(part[step])
        part = part[step]
    if part.get("metadata"):
        part["metadata"] = dict(part["metadata"])
    return changed, part


def _copy_name(workload: Object, template: Object) -> list[str]:
    wanted = annotations_of(workload).get(names.POLICY)
    if wanted is not None and not is_policy_name(wanted):
        return [f"{names.POLICY} is {wanted!r}, which is not the name of a policy; it was not copied"]
    if is_off(workload):
        wanted = None
    own = annotations_of(template).get(names.POLICY)
    if annotations_of(template).get(names.POLICY_FROM) != names.FROM_WORKLOAD:
        if own is not None:
            if wanted in (None, own):
                return []
            return [f"the pod template's own {names.POLICY}, {own!r}, counts, not the workload's {wanted!r}"]
        if wanted is None:
            return []
    _set_copy(template, names.POLICY, names.POLICY_FROM, wanted)
    return []


def _copy_off(workload: Object, template: Object) -> None:
    marked = annotations_of(template).get(names.INJECT_FROM) == names.FROM_WORKLOAD
    if is_off(workload):
        if marked or not is_off(template):
            _set_copy(template, names.INJECT, names.INJECT_FROM, "false")
    elif marked:
        _set_copy(template, names.INJECT, names.INJECT_FROM, None)


def _set_copy(template: Object, key: str, mark: str, value: str | None) -> None:
    if value is not None:
        annotate(template, key, value)
        annotate(template, mark, names.FROM_WORKLOAD)
        return
    kept = {name: text for name, text in annotations_of(template).items() if name not in (key, mark)}
    metadata = template["metadata"]
    if kept:
        metadata["annotations"] = kept
    else:
        metadata.pop("annotations", None)

"""The webhook's work on a manifest outside a cluster: any object in, the same with a sidecar out."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from claude_operator import names
from claude_operator.inject.json_value import Object, annotate, annotations_of
from claude_operator.inject.place import Place
from claude_operator.inject.pod import INJECTED, inject
from claude_operator.inject.policy_needs import Spec
from claude_operator.inject.settings import Settings
from claude_operator.inject.workload import TEMPLATE_PATHS, copy_policy, is_controlled, template_of

_GROUP = {"Pod": "v1", "Job": "batch/", "CronJob": "batch/"}


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a manifest. warnings: each with the object's kind and name before it."""

    manifest: Any
    warnings: tuple[str, ...]


def inject_manifest(manifest: Any, policy: str, settings: Settings, policies: Mapping[str, Spec]) -> Made:
    """Put the sidecar into pods and workloads, also those in a List; everything else comes out as it came in.

    policy: for what names none itself. policies: specs that are known; one that is not is not missed.
    """
    if not isinstance(manifest, dict):
        return Made(manifest, ())
    if str(manifest.get("kind", "")).endswith("List") and isinstance(manifest.get("items"), list):
        made = [inject_manifest(item, policy, settings, policies) for item in manifest["items"]]
        warnings = tuple(told for each in made for told in each.warnings)
        return Made({**manifest, "items": [each.manifest for each in made]}, warnings)
    if not is_ours(manifest):
        return Made(manifest, ())
    called = f"{manifest['kind']} {(manifest.get('metadata') or {}).get('name', '(without a name)')}"
    if is_controlled(manifest):
        return Made(manifest, (f"{called}: left as it is: inject into what makes it",))
    changed, told = _changed(copy.deepcopy(manifest), policy, settings, policies)
    return Made(manifest if changed is None else changed, tuple(f"{called}: {each}" for each in told))


def is_ours(manifest: Object) -> bool:
    """Whether an object is a pod or has a template that the webhook looks at."""
    kind = str(manifest.get("kind"))
    if kind != "Pod" and kind not in TEMPLATE_PATHS:
        return False
    return str(manifest.get("apiVersion", "")).startswith(_GROUP.get(kind, "apps/"))


def policies_in(manifest: Any) -> Iterator[tuple[str, Spec]]:
    """Name and spec of the ClaudePolicies in a manifest."""
    if not isinstance(manifest, dict):
        return
    if isinstance(manifest.get("items"), list):
        for item in manifest["items"]:
            yield from policies_in(item)
    if manifest.get("kind") == names.KIND and str(manifest.get("apiVersion")).startswith(f"{names.GROUP}/"):
        yield str((manifest.get("metadata") or {}).get("name")), manifest.get("spec") or {}


def _changed(
    manifest: Object, policy: str, settings: Settings, policies: Mapping[str, Spec]
) -> tuple[Object | None, list[str]]:
    """The manifest with the sidecar, or None where there is none to put in; and what to tell."""
    namespace = str((manifest.get("metadata") or {}).get("namespace", ""))
    place = Place(namespace, policies=None)
    told: list[str] = []
    pod: Object | None = manifest
    if manifest["kind"] != "Pod":
        copied = copy_policy(manifest, place, settings, created=True)
        told += copied.warnings
        manifest = copy.deepcopy(copied.workload)
        pod = template_of(manifest)
    if pod is None:
        return None, ["has no pod template"]
    name = annotations_of(pod).get(names.POLICY)
    if name is None:
        annotate(pod, names.POLICY, policy)
    elif name != policy:
        told.append(f"names the policy {name} itself; that one counts")
    named = str(policy if name is None else name)
    known = {named: policies[named]} if named in policies else None
    done = inject(pod, Place(namespace, policies=known), settings)
    told += done.warnings
    if done.status is not None and done.status != INJECTED and not done.warnings:
        told.append(done.status)
    if done.status != INJECTED:
        return None, list(dict.fromkeys(told))
    pod.clear()
    pod.update(done.pod)
    return manifest, list(dict.fromkeys(told))

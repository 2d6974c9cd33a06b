"""`inject`: a pod with the sidecar in it, or the reason why it has none."""

from dataclasses import dataclass

from claude_operator import names
from claude_operator.inject import policy_needs
from claude_operator.inject.app_env import lead_to_sidecar
from claude_operator.inject.asked import asked_by, switch_warnings
from claude_operator.inject.chosen import chosen
from claude_operator.inject.eviction import allow_eviction
from claude_operator.inject.json_value import Object, annotate, annotations_of
from claude_operator.inject.known_annotations import unknown_annotation_warnings
from claude_operator.inject.mesh import exclude_admin_port, leading
from claude_operator.inject.obstacles import obstacle
from claude_operator.inject.place import Place
from claude_operator.inject.resources import resources
from claude_operator.inject.settings import Settings
from claude_operator.inject.sidecar import sidecar_container
from claude_operator.inject.volumes import clash, spool_room_mi_b, volumes
from claude_operator.policy_name import is_policy_name

INJECTED = "injected"
SKIPPED = "skipped: "


@dataclass(frozen=True, slots=True)
class Injected:
    """What became of a pod. status: as in its annotation; None where nothing was asked for."""

    pod: Object
    status: str | None
    warnings: tuple[str, ...]


def inject(pod: Object, place: Place, settings: Settings) -> Injected:
    """Put the sidecar into a pod that asks for one; the pod given stays as it is.

    To do it twice changes nothing more, and nothing is taken away. A sidecar of ours that is there already
    stays as and where it is, since other injectors may have worked on it; only containers that came later are
    led to it. pod: a Pod, or a template with `metadata` and `spec`.
    """
    warnings = [*switch_warnings(pod), *unknown_annotation_warnings(pod)]
    asked = asked_by(pod, place)
    if asked.policy is None:
        if annotations_of(pod).get(names.INJECT) == "true":
            warnings.append(f"nothing is injected without a policy; set {names.POLICY}")
        return Injected(pod, None, tuple(warnings))
    present = _is_present(pod)
    if asked.off:
        return _skipped(pod, 'inject is "false"', []) if not present else Injected(pod, None, ())
    if not is_policy_name(asked.policy):
        reason = f"{asked.policy[: names.POLICY_NAME_LONGEST]!r} is not the name of a policy"
        return _skipped(pod, reason, warnings)
    if not present and (reason_against := obstacle(pod)) is not None:
        return _skipped(pod, reason_against, warnings)
    changed = _own(pod)
    spec = None if place.policies is None else place.policies.get(asked.policy)
    if place.policies is not None and spec is None:
        warnings.append(
            f"there is no ClaudePolicy {asked.policy} in namespace {place.namespace} yet; "
            "the sidecar runs the built-in policy until there is"
        )
    if not present:
        taken = _add_sidecar(changed, asked.policy, spec, place, settings, warnings)
        if taken is not None:
            return _skipped(pod, f"the pod has a volume named {taken} of its own", warnings)
    containers, about_choice = chosen(changed)
    warnings += about_choice
    keyless = policy_needs.needs_no_caller_key(spec)
    for container in containers:
        warnings += lead_to_sidecar(container, with_placeholder=keyless)
    exclude_admin_port(changed)
    annotate(changed, names.STATUS, INJECTED)
    return Injected(changed, INJECTED, tuple(dict.fromkeys(warnings)))


def _own(pod: Object) -> Object:
    """A copy of the parts that are changed here; all else is shared, so that comparing is cheap."""
    spec = dict(pod["spec"])
    for kind in ("initContainers", "containers"):
        if spec.get(kind):
            spec[kind] = [dict(container) for container in spec[kind]]
    return {**pod, "metadata": dict(pod.get("metadata") or {}), "spec": spec}


def _is_present(pod: Object) -> bool:
    """Whether our sidecar is in the pod; another container of its name is not ours."""
    if annotations_of(pod).get(names.STATUS) != INJECTED:
        return False
    inits = (pod.get("spec") or {}).get("initContainers") or ()
    return any(each.get("name") == names.CONTAINER for each in inits)


def _skipped(pod: Object, reason: str, warnings: list[str]) -> Injected:
    changed = {**pod, "metadata": dict(pod.get("metadata") or {})}
    status = SKIPPED + reason
    annotate(changed, names.STATUS, status)
    wanted = reason != 'inject is "false"'
    told = [*warnings, f"no sidecar is injected: {reason}"] if wanted else warnings
    return Injected(changed, status, tuple(dict.fromkeys(told)))


def _add_sidecar(
    pod: Object,
    policy: str,
    policy_spec: policy_needs.Spec | None,
    place: Place,
    settings: Settings,
    warnings: list[str],
) -> str | None:
    """Add container and volumes, in place; returns the name of a volume that is in the way, if one is."""
    spec = pod["spec"]
    exits = settings.exits_of(place.namespace)
    room = spool_room_mi_b(settings, policy_needs.spool_mi_b(policy_spec))
    mounted = volumes(policy, policy_needs.secret_names(policy_spec), room, exits.ca_bundle)
    there: list[Object] = spec.get("volumes") or []
    taken = clash(there, mounted)
    if taken is not None:
        return taken
    wanted, about_resources = resources(pod, settings)
    warnings += about_resources
    container = sidecar_container(pod, settings, exits, wanted, mounted, room)
    inits: list[Object] = spec.get("initContainers") or []
    at = leading(inits)
    spec["initContainers"] = [*inits[:at], container, *inits[at:]]
    known = {volume.get("name") for volume in there}
    spec["volumes"] = [*there, *(each.volume for each in mounted if each.volume["name"] not in known)]
    _add_pull_secrets(spec, settings.image_pull_secrets)
    allow_eviction(pod, mounted)
    return None


def _add_pull_secrets(spec: Object, wanted: tuple[str, ...]) -> None:
    """Name the Secrets that the sidecar's image is pulled with; those of the pod stay first."""
    there: list[Object] = spec.get("imagePullSecrets") or []
    known = {each.get("name") for each in there}
    if missing := [{"name": name} for name in wanted if name not in known]:
        spec["imagePullSecrets"] = [*there, *missing]

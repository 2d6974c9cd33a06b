"""Which containers of a pod are led to the sidecar."""

from claude_operator import names
from claude_operator.inject.json_value import Object, annotations_of
from claude_operator.inject.mesh import is_mesh


def chosen(pod: Object) -> tuple[list[Object], list[str]]:
    """The containers, as they are in the pod, and what to tell about the choice.

    pod: with the sidecar in it.
    """
    spec = pod["spec"]
    inits: list[Object] = spec.get("initContainers") or []
    apps: list[Object] = spec.get("containers") or []
    place = next((at for at, each in enumerate(inits) if each.get("name") == names.CONTAINER), 0)
    before, after = inits[:place], inits[place + 1 :]
    text = annotations_of(pod).get(names.CONTAINERS)
    if text is None:
        found = [each for each in after if _is_ordinary_init(each)]
        found += [each for each in apps if not is_mesh(each)]
        return found, _too_early(before, [])
    wanted = [part.strip() for part in str(text).split(",") if part.strip()]
    warnings = _too_early(before, wanted)
    there = {each.get("name") for each in (*inits, *apps)} - {names.CONTAINER}
    for name in wanted:
        if name not in there:
            known = ", ".join(sorted(str(each) for each in there))
            warnings.append(f"{names.CONTAINERS} names {name!r}, which the pod does not have; it has {known}")
    if not wanted:
        warnings.append(f"{names.CONTAINERS} names no container, so none calls through the sidecar")
    return [each for each in (*after, *apps) if each.get("name") in wanted], warnings


def _is_ordinary_init(container: Object) -> bool:
    # `Always` makes an init container a native sidecar; since Kubernetes 1.34 app containers may say it, too.
    return container.get("restartPolicy") != "Always" and not is_mesh(container)


def _too_early(before: list[Object], wanted: list[str]) -> list[str]:
    return [
        f"init container {container.get('name')} runs before the sidecar and cannot call through it"
        for container in before
        if container.get("name") in wanted or (_is_ordinary_init(container) and _calls_claude(container))
    ]


def _calls_claude(container: Object) -> bool:
    return any(str(entry.get("name", "")).startswith("ANTHROPIC_") for entry in container.get("env") or ())

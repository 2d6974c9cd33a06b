"""Requests and limits of the sidecar: the settings', changed by annotations within bounds."""

from decimal import Decimal

from claude_operator import names
from claude_operator.inject.json_value import Object, annotations_of
from claude_operator.inject.obstacles import all_containers
from claude_operator.inject.quantity import quantity
from claude_operator.inject.settings import Settings

_RESOURCES = ("cpu", "memory")
_ANNOTATIONS = {
    ("cpu", "requests"): names.CPU_REQUEST,
    ("cpu", "limits"): names.CPU_LIMIT,
    ("memory", "requests"): names.MEMORY_REQUEST,
    ("memory", "limits"): names.MEMORY_LIMIT,
}


def resources(pod: Object, settings: Settings) -> tuple[Object, list[str]]:
    """The sidecar's `resources`, and what to tell about the annotations that ask for others.

    A Guaranteed pod stays Guaranteed: request and limit are the same then. A resource that the pod as a whole
    bounds is left to that bound, since requests of containers must fit into it.
    """
    warnings: list[str] = []
    guaranteed = is_guaranteed(pod)
    asked: Object = {"requests": {}, "limits": {}}
    for resource in _RESOURCES:
        if _bounded_by_pod(pod, resource):
            continue
        request, limit = _pair(pod, resource, settings, guaranteed, warnings)
        asked["requests"][resource] = request
        if limit is not None:
            asked["limits"][resource] = limit
    for kind, amount in _ephemeral_storage(settings).items():
        if amount is not None:
            asked[kind]["ephemeral-storage"] = amount
    return {kind: values for kind, values in asked.items() if values}, warnings


def _ephemeral_storage(settings: Settings) -> dict[str, str | None]:
    chosen = settings.resources
    request, limit = chosen.ephemeral_storage_request, chosen.ephemeral_storage_limit
    if request is not None and limit is not None and _number(limit) < _number(request):
        request = limit  # no API server takes a request over its limit
    return {"requests": request, "limits": limit}


def is_guaranteed(pod: Object) -> bool:
    """Whether every container asks for exactly its limits, of CPU and of memory."""
    spec = pod.get("spec") or {}
    containers = [each for each in all_containers(spec) if each.get("name") != names.CONTAINER]
    return bool(containers) and all(
        _asks_its_limit(container.get("resources") or {}, resource)
        for container in containers
        for resource in _RESOURCES
    )


def _asks_its_limit(wanted: Object, resource: str) -> bool:
    limit = quantity((wanted.get("limits") or {}).get(resource))
    request = quantity((wanted.get("requests") or {}).get(resource))
    return bool(limit) and request in (None, limit)


def _bounded_by_pod(pod: Object, resource: str) -> bool:
    whole = (pod.get("spec") or {}).get("resources") or {}
    return any(resource in (whole.get(kind) or {}) for kind in ("requests", "limits"))


def _pair(
    pod: Object, resource: str, settings: Settings, guaranteed: bool, warnings: list[str]
) -> tuple[str, str | None]:
    own_request = _from_annotation(pod, resource, "requests", settings, warnings)
    own_limit = _from_annotation(pod, resource, "limits", settings, warnings)
    if guaranteed:
        both = own_limit or own_request or _guaranteed(resource, settings)
        return both, both
    request = own_request or getattr(settings.resources, f"{resource}_request")
    limit = own_limit or getattr(settings.resources, f"{resource}_limit")
    if limit is None or _number(request) <= _number(limit):
        return request, limit
    if own_limit is None:  # only the request was asked for: the default limit makes room
        return request, request
    if own_request is not None:
        key = _ANNOTATIONS[resource, "requests"]
        warnings.append(f"{key} is more than the limit and was lowered to {limit}")
    return limit, limit


def _guaranteed(resource: str, settings: Settings) -> str:
    if resource == "cpu":
        return settings.resources.guaranteed_cpu
    return settings.resources.memory_limit or settings.resources.memory_request


def _from_annotation(
    pod: Object, resource: str, kind: str, settings: Settings, warnings: list[str]
) -> str | None:
    key = _ANNOTATIONS[resource, kind]
    text = annotations_of(pod).get(key)
    if text is None:
        return None
    number = quantity(text)
    if number is None:
        warnings.append(f"{key} is {text!r} and was ignored; give a quantity such as 250m or 128Mi")
        return None
    lowest, highest = (getattr(settings.bounds, f"{resource}_{end}") for end in ("min", "max"))
    if _number(lowest) <= number <= _number(highest):
        return str(text)
    bound: str = lowest if number < _number(lowest) else highest
    warnings.append(f"{key} is {text!r}; allowed: {lowest} to {highest}; taken as {bound}")
    return bound


def _number(text: str) -> Decimal:
    return quantity(text) or Decimal(0)

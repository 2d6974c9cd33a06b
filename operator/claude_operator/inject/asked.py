"""Whether a pod or a workload asks for a sidecar, and with which policy."""

from dataclasses import dataclass

from claude_operator import names
from claude_operator.inject.json_value import Object, annotations_of, labels_of
from claude_operator.inject.place import Place

_SWITCH = ("true", "false")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for. policy: None where nothing is; off: someone said `inject: "false"`."""

    policy: str | None
    off: bool = False


def asked_by(pod: Object, place: Place) -> Asked:
    """What a pod asks for, by its own annotation or else by its namespace's label."""
    return Asked(annotations_of(pod).get(names.POLICY, place.default_policy), is_off(pod) or place.off)


def is_off(manifest: Object) -> bool:
    """Whether an object says `inject: "false"`, in an annotation or a label."""
    return "false" in (annotations_of(manifest).get(names.INJECT), labels_of(manifest).get(names.INJECT))


def switch_warnings(manifest: Object) -> list[str]:
    """What is wrong with the value of `inject`."""
    found = [where.get(names.INJECT) for where in (annotations_of(manifest), labels_of(manifest))]
    return [
        f'{names.INJECT} is {value!r} and was ignored; allowed: "true", "false"'
        for value in found
        if value is not None and value not in _SWITCH
    ]

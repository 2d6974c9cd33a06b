"""Annotations under our prefix that mean nothing, most likely because they are misspelt."""

import difflib

from claude_operator import names
from claude_operator.inject.json_value import Object, annotations_of

KNOWN = (
    names.POLICY,
    names.POLICY_FROM,
    names.INJECT,
    names.INJECT_FROM,
    names.CONTAINERS,
    names.STATUS,
    names.WARNINGS,
    names.NUDGE,
    names.CPU_REQUEST,
    names.CPU_LIMIT,
    names.MEMORY_REQUEST,
    names.MEMORY_LIMIT,
)
_ONLY_IN_TEMPLATE = (
    names.CONTAINERS,
    names.CPU_REQUEST,
    names.CPU_LIMIT,
    names.MEMORY_REQUEST,
    names.MEMORY_LIMIT,
)


def unknown_annotation_warnings(manifest: Object) -> list[str]:
    """One line for each annotation of ours that does not exist."""
    found = []
    for key in annotations_of(manifest):
        if key.startswith(f"{names.GROUP}/") and key not in KNOWN:
            near = difflib.get_close_matches(key, KNOWN, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            found.append(f"annotation {key} is not known{hint}")
    return found


def misplaced_annotation_warnings(workload: Object) -> list[str]:
    """One line for each annotation on a workload's own metadata that counts in its template only."""
    return [
        f"{key} has no effect on the workload itself; put it on its pod template"
        for key in _ONLY_IN_TEMPLATE
        if key in annotations_of(workload)
    ]

"""What the reconciler writes into a policy's status, as a structural schema."""

from claude_operator.crd.schema import Schema

_CONDITION_TYPE = "^[A-Za-z][A-Za-z0-9]{0,62}$"
_REASON = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"


def _count(description: str) -> Schema:
    return {"description": description, "type": "integer", "format": "int32", "minimum": 0}


def _generation(description: str) -> Schema:
    return {"description": description, "type": "integer", "format": "int64", "minimum": 0}


CONDITION: Schema = {
    "description": "One aspect of the policy's state.",
    "type": "object",
    "required": ["type", "status", "lastTransitionTime", "reason", "message"],
    "properties": {
        "type": {
            "description": "`Accepted`: the policy is right; `ResolvedRefs`: the sidecars have the "
            "credentials that it names; `Programmed`: it is in force in the pods.",
            "type": "string",
            "pattern": _CONDITION_TYPE,
            "maxLength": 63,
        },
        "status": {
            "description": "Whether it is so.",
            "type": "string",
            "enum": ["True", "False", "Unknown"],
        },
        "observedGeneration": _generation("The generation of the policy that this was said of."),
        "lastTransitionTime": {
            "description": "When `status` last changed.",
            "type": "string",
            "format": "date-time",
            "maxLength": 40,
        },
        "reason": {
            "description": "Why, as one word for programs.",
            "type": "string",
            "pattern": _REASON,
            "minLength": 1,
            "maxLength": 256,
        },
        "message": {
            "description": "Why, for a person: what is wrong, what is allowed, what to do next.",
            "type": "string",
            "maxLength": 32768,
        },
    },
}

PODS: Schema = {
    "description": "The pods whose sidecars run this policy.",
    "type": "object",
    "required": ["total", "current", "stale", "unreachable", "restartRequired", "outdated"],
    "properties": {
        "total": _count("Running pods, not terminating, whose sidecar has started."),
        "current": _count("Pods whose sidecar runs the policy as it is now."),
        "stale": _count("Pods whose sidecar runs an earlier one."),
        "unreachable": _count("Pods whose sidecar could not be asked."),
        "restartRequired": _count("Pods that must be restarted before the policy can be put in force there."),
        "outdated": _count("Pods with a sidecar older than the operator's own version."),
    },
}

STATUS: Schema = {
    "description": "What became of the policy; written by the operator.",
    "type": "object",
    "properties": {
        "observedGeneration": _generation("The generation of the policy that this status is about."),
        "conditions": {
            "description": "`Accepted`, `ResolvedRefs` and `Programmed`.",
            "type": "array",
            "items": CONDITION,
            "maxItems": 8,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
        "hash": {
            "description": "Hash of the effective spec that is handed to the sidecars, "
            "as their `/status` shows it.",
            "type": "string",
            "pattern": "^[0-9a-f]{16}$",
            "maxLength": 16,
        },
        "routes": _count("How many routes the policy has."),
        "pods": PODS,
        "podsSummary": {
            "description": "`current/total` of `pods`, for the column of `kubectl get`.",
            "type": "string",
            "pattern": "^[0-9]{1,10}/[0-9]{1,10}$",
            "maxLength": 21,
        },
    },
}

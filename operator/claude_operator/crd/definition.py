"""The CustomResourceDefinition of ClaudePolicy, made from the policy model."""

from collections.abc import Iterable
from inspect import getdoc
from typing import Any

from claude_operator import names
from claude_operator.crd.rule import Rule
from claude_operator.crd.rules import RULES
from claude_operator.crd.schema import Schema, structural_schema
from claude_operator.crd.status_schema import STATUS
from claude_sidecar.schema.claude_policy import ClaudePolicy, Spec
from claude_sidecar.schema.limits import PacingMode

CATEGORY = "claude"

MAP_LISTS = {"routes[].models": "name", "fallback.substitutions": "model", "prices": "model"}
"""Lists whose entries have a name and no order, so that several appliers may own entries.

Lists of causes are atomic although their order has no meaning: their defaults are stored with the object, and
an applier of a shorter `set` would not take any of those away.
"""

_LOCAL_SOURCES = ("file", "env")


def custom_resource_definition() -> dict[str, Any]:
    """The whole definition, ready for `kubectl apply`."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.PLURAL}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "names": {
                "categories": [CATEGORY],
                "kind": names.KIND,
                "listKind": f"{names.KIND}List",
                "plural": names.PLURAL,
                "shortNames": [names.SHORT_NAME],
                "singular": names.SINGULAR,
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": PRINTER_COLUMNS,
                    "schema": {"openAPIV3Schema": policy_schema()},
                }
            ],
        },
    }


def policy_schema() -> Schema:
    """The structural schema of a whole ClaudePolicy object, rules included."""
    return {
        "description": getdoc(ClaudePolicy),
        "type": "object",
        "properties": {
            "apiVersion": {
                "description": "Group and version of this form.",
                "type": "string",
                "maxLength": 64,
            },
            "kind": {"description": "What this object is.", "type": "string", "maxLength": 64},
            "metadata": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": names.POLICY_NAME_LONGEST}},
            },
            "spec": spec_schema(),
            "status": STATUS,
        },
    }


def spec_schema() -> Schema:
    """The structural schema of `spec`."""
    spec = structural_schema(Spec.model_json_schema())
    spec["default"] = {}
    _only_secrets(field_at(spec, "routes[].credential"))
    # An enum's refusal could not say why: Enforce passes it and meets the rule, which says so.
    field_at(spec, "pacing.mode")["enum"].append(PacingMode.ENFORCE.value)
    for place, key in MAP_LISTS.items():
        node = field_at(spec, place)
        node["x-kubernetes-list-type"] = "map"
        node["x-kubernetes-list-map-keys"] = [key]
    _attach(spec, RULES)
    return spec


def field_at(schema: Schema, place: str) -> Schema:
    """The node of a field, such as `routes[].endpoint`; `[]` steps into the items of a list."""
    for part in place.split("."):
        schema = schema["properties"][part.removesuffix("[]")]
        if part.endswith("[]"):
            schema = schema["items"]
    return schema


def _only_secrets(credential: Schema) -> None:
    """Files and variables are for local use; a cluster knows Secrets only."""
    for source in _LOCAL_SOURCES:
        del credential["properties"][source]


def _attach(spec: Schema, rules: Iterable[Rule]) -> None:
    for rule in rules:
        field_at(spec, rule.place).setdefault("x-kubernetes-validations", []).append(rule.as_validation())


def _condition_column(condition: str, description: str) -> dict[str, Any]:
    return {
        "name": condition,
        "type": "string",
        "description": description,
        "jsonPath": f'.status.conditions[?(@.type=="{condition}")].status',
    }


PRINTER_COLUMNS = [
    _condition_column("Accepted", "Whether the policy is right."),
    _condition_column("Programmed", "Whether it is in force in the pods."),
    {
        "name": "Pods",
        "type": "string",
        "description": "Pods that run it as it is now, of all its pods.",
        "jsonPath": ".status.podsSummary",
    },
    {
        "name": "Routes",
        "type": "integer",
        "description": "How many routes it has.",
        "jsonPath": ".status.routes",
    },
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]
"""What `kubectl get cpol` shows beside the name."""

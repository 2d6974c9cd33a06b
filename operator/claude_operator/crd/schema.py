"""From pydantic's JSON schema to a structural schema, the dialect that a CustomResourceDefinition takes."""

from collections.abc import Mapping
from typing import Any

from claude_operator.crd.description import MEANINGS, described

Schema = dict[str, Any]

_KEPT = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
    "required",
)
_CONVERTED = (
    "const",
    "default",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "items",
    "properties",
    "uniqueItems",
)
_DROPPED = (MEANINGS, "title", "examples")


class NotStructural(ValueError):
    """The model holds something that no structural schema can say; the message names the place."""


def structural_schema(model: Mapping[str, Any]) -> Schema:
    """A structural schema: references inlined, nothing in it that an API server refuses.

    model: what pydantic's `model_json_schema()` gives, by alias. Raises NotStructural for recursion, unions
    other than `X or null`, mappings with free keys, and any keyword that is not known here.
    """
    return _node(dict(model), model.get("$defs", {}), ())


def _node(node: Schema, definitions: Mapping[str, Schema], trail: tuple[str, ...]) -> Schema:
    plain, trail = _resolved(node, definitions, trail)
    unknown = set(plain) - {*_KEPT, *_CONVERTED, *_DROPPED, "$defs"}
    if plain.get("additionalProperties") is False:
        unknown.discard(
            "additionalProperties"
        )  # what is not declared is pruned, or refused by the client's wish
    if unknown or "type" not in plain:
        raise NotStructural(f"{' > '.join(trail) or 'root'}: {', '.join(sorted(unknown)) or 'no type'}")
    schema = {key: plain[key] for key in _KEPT if key in plain}
    if "const" in plain:
        schema["enum"] = [plain["const"]]
    _bounds(plain, schema)
    if "items" in plain:
        schema["items"] = _node(plain["items"], definitions, (*trail, "items"))
        schema["x-kubernetes-list-type"] = "set" if plain.get("uniqueItems") else "atomic"
    if "properties" in plain:
        schema["properties"] = {
            name: _node(child, definitions, (*trail, name)) for name, child in plain["properties"].items()
        }
    if plain.get("default") is not None:
        schema["default"] = shortest(plain["default"], schema)
    if "description" in schema:
        schema["description"] = described(plain)
    return schema


def _resolved(
    node: Schema, definitions: Mapping[str, Schema], trail: tuple[str, ...]
) -> tuple[Schema, tuple[str, ...]]:
    """A node with its reference followed and, of `X or null`, X; what stands beside these wins."""
    beside = {key: value for key, value in node.items() if key not in ("$ref", "anyOf")}
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        if name in trail:
            raise NotStructural(f"{' > '.join(trail)}: {name} holds itself")
        target, trail = _resolved(definitions[name], definitions, (*trail, name))
        return {**target, **beside}, trail
    if "anyOf" in node:
        chosen = [option for option in node["anyOf"] if option.get("type") != "null"]
        if len(chosen) != 1:
            raise NotStructural(f"{' > '.join(trail) or 'root'}: a union of {len(chosen)} kinds")
        target, trail = _resolved(chosen[0], definitions, trail)
        return {**target, **beside}, trail
    return node, trail


def _bounds(plain: Schema, schema: Schema) -> None:
    """Exclusive bounds are booleans beside the bound in the dialect of API servers."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if exclusive in plain:
            schema[bound] = plain[exclusive]
            schema[exclusive] = True


def shortest(value: Any, schema: Schema) -> Any:
    """A default without what the defaults below it say anyway, and whole numbers without a fraction.

    An API server fills in defaults from the top down, so a parent whose children have theirs needs `{}` only.
    """
    if isinstance(value, list | tuple):
        return [shortest(item, schema.get("items", {})) for item in value]
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        short = {key: shortest(item, fields.get(key, {})) for key, item in value.items() if item is not None}
        return {
            key: item
            for key, item in short.items()
            if "default" not in fields.get(key, {}) or item != fields[key]["default"]
        }
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value

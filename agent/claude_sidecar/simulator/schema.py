"""A value that fits a tool's JSON schema, as far as types, enums and required fields go."""

from typing import Any

_DEEPEST = 8
_BY_TYPE: dict[str, Any] = {
    "string": "example",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
}


def example_of(schema: object) -> dict[str, Any]:
    """The input for a tool with this input schema: its required fields, the same each time."""
    value = _example(schema, 0)
    return value if isinstance(value, dict) else {}


def _example(schema: object, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {}
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "examples"):
        choices = schema.get(name)
        if isinstance(choices, list) and choices:
            return choices[0]
    for name in ("anyOf", "oneOf", "allOf"):
        choices = schema.get(name)
        if isinstance(choices, list) and choices:
            return _example(choices[0], depth + 1)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    if kind == "array":
        fewest = schema.get("minItems")
        items = min(fewest, 10) if isinstance(fewest, int) else 0
        return [_example(schema.get("items"), depth + 1) for _ in range(items)]
    if isinstance(kind, str) and kind in _BY_TYPE:
        return _BY_TYPE[kind]
    fields, required = schema.get("properties"), schema.get("required")
    if not isinstance(fields, dict):
        return {}
    names = required if isinstance(required, list) else []
    return {name: _example(fields.get(name), depth + 1) for name in names if isinstance(name, str)}

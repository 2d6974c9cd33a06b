"""What a policy allows at a place, read from the model's own schema."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from claude_sidecar.schema.claude_policy import ClaudePolicy


@cache
def policy_schema() -> dict[str, Any]:
    """JSON schema of the whole policy, references kept in `$defs`."""
    return ClaudePolicy.model_json_schema()


def node_at(loc: Sequence[str | int]) -> dict[str, Any]:
    """Schema of the field at a place, references followed; empty where the model knows no such field."""
    node = resolved(policy_schema())
    for part in loc:
        if isinstance(part, int):
            node = resolved(node.get("items", {}))
        else:
            node = resolved(node.get("properties", {}).get(part, {}))
    return node


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """A node with its reference followed and, of `X or null`, X; what stands beside these wins."""
    beside = {key: value for key, value in node.items() if key not in ("$ref", "anyOf")}
    if "$ref" in node:
        target = policy_schema()["$defs"][node["$ref"].rpartition("/")[2]]
        return {**resolved(target), **beside}
    if "anyOf" in node:
        chosen = next(option for option in node["anyOf"] if option.get("type") != "null")
        return {**resolved(chosen), **beside}
    return node


def places(loc: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every field's path below a place, parents first; the items of a list are passed through."""
    node = node_at_any_item(loc)
    for name in node.get("properties", {}):
        yield (*loc, name)
        yield from places((*loc, name))


def node_at_any_item(loc: Sequence[str]) -> dict[str, Any]:
    """Like `node_at`, for paths from `places`: a list stands for its items."""
    node = resolved(policy_schema())
    for part in loc:
        node = resolved(node["properties"][part])
        if node.get("type") == "array" and "properties" in resolved(node["items"]):
            node = resolved(node["items"])
    return node

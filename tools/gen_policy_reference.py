"""Writes the table of fields in docs/policy.md from the policy model; `--check` only tells if it is stale."""

import sys
from pathlib import Path
from typing import Any

from claude_sidecar.config.complaint import PATTERN_WORDS
from claude_sidecar.schema.json_schema import node_at_any_item, places, policy_schema, resolved

PAGE = Path(__file__).resolve().parent.parent / "docs" / "policy.md"
BEGIN = "<!-- fields: written by tools/gen_policy_reference.py -->\n"
END = "<!-- end of fields -->\n"


def main() -> None:
    """Renew the page, or exit 1 if it is stale."""
    before = PAGE.read_text()
    head, _, rest = before.partition(BEGIN)
    _, _, tail = rest.partition(END)
    after = head + BEGIN + table() + END + tail
    if "--check" in sys.argv[1:]:
        if before != after:
            sys.exit("docs/policy.md is stale: run tools/gen_policy_reference.py")
        return
    PAGE.write_text(after)


def table() -> str:
    """One section for each part of the spec, one row for each field."""
    lines: list[str] = []
    for part in node_at_any_item(("spec",))["properties"]:
        lines += ["", f"### {part}", "", "| field | value | default | meaning |", "| --- | --- | --- | --- |"]
        for place in [("spec", part), *places(("spec", part))]:
            lines.append(_row(place))
    return "\n".join([*lines, "", ""])


def _row(place: tuple[str, ...]) -> str:
    parent = node_at_any_item(place[:-1])
    node = resolved(parent["properties"][place[-1]])
    default = "required" if place[-1] in parent.get("required", ()) else _default(node)
    cells = [f"`{_label(place)}`", _value(node), default, " ".join(node.get("description", "").split())]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _label(place: tuple[str, ...]) -> str:
    """A field as users write it, without the leading `spec`; `[]` stands for each item of a list."""
    parts = []
    node = resolved(policy_schema())
    for position, name in enumerate(place):
        node = resolved(node["properties"][name])
        inner = position < len(place) - 1
        if inner and node.get("type") == "array":
            node = resolved(node["items"])
            name += "[]"
        parts.append(name)
    return ".".join(parts[1:])


def _value(node: dict[str, Any]) -> str:
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    match node.get("type"):
        case "integer" | "number":
            kind = "whole number" if node["type"] == "integer" else "number"
            return f"{kind}, {node['minimum']} to {node['maximum']}"
        case "array":
            items = resolved(node["items"])
            kind = "mappings" if "properties" in items else "of " + _value(items)
            return f"list, {node.get('minItems', 0)} to {node['maxItems']} {kind}"
        case "boolean":
            return "`true`, `false`"
        case "object":
            return "mapping"
    return PATTERN_WORDS.get(node.get("pattern", ""), "text")


def _default(node: dict[str, Any]) -> str:
    default = node.get("default")
    if default is None or isinstance(default, dict):
        return ""
    if isinstance(default, list):
        if default and isinstance(default[0], dict):
            return "one route `anthropic`"
        return ", ".join(f"`{value}`" for value in default) or "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


if __name__ == "__main__":
    main()

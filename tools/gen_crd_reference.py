"""Writes docs/crd.md from the CustomResourceDefinition; `--check` only tells if it is stale."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from claude_operator.crd.definition import custom_resource_definition
from claude_sidecar.config.complaint import PATTERN_WORDS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "crd.md"
Node = dict[str, Any]

HEAD = """\
<!-- Written by tools/gen_crd_reference.py from the definition: change that, not this page. -->
# ClaudePolicy in a cluster

`{kind}` is a namespaced resource of `{group}`, version `{version}`, defined in
[`crds/`](../crds/{name}.yaml). `kubectl get {short}` lists policies,
`kubectl get {category}` everything of ours. `kubectl explain {short}.spec.retry`, or any other field, says
what the field does, its unit and default, what it interacts with, and gives an example; of causes it lists
the values. So does [the policy file](policy.md), for a policy in a cluster is the same file, except that a
credential can only come from a Secret.

## What is refused where

1. **The API server** refuses what the schema and the rules below exclude: `kubectl apply` fails and nothing
   is stored. Unknown fields are refused at the wish of the client, which is `kubectl`'s default
   (`--validate=strict`); a client that does not ask for that loses them silently.
2. **The operator** judges what was stored once more, with all that `claude-sidecar check` knows. What it
   finds is told as `Accepted=False` and an Event in `check`'s words, and does not reach any sidecar. Of a
   policy made under this definition that can only be an IPv6 address that is none, a host of more than 253
   characters, or two dated names of different models with one `id`.

Defaults are filled in by the API server and stored with the object. They are the ones of the policy file:
`spec: {{}}` means the same in both. `claude-sidecar check` finds everything before a cluster sees it.

`fallback.substitutions` and `prices` are merged by `model` when several appliers own entries (server-side
apply); every other list is replaced as a whole.

## `kubectl get {short}`

| column | shows |
| --- | --- |
{columns}

## Fields of `spec`

| field | value | default | meaning |
| --- | --- | --- | --- |
{spec}

## Rules between fields

| field | what is refused is told as |
| --- | --- |
{rules}

`metadata.name` has at most {name_longest} characters.

## Fields of `status`

| field | value | meaning |
| --- | --- | --- |
{status}
"""


def main() -> None:
    """Renew the page, or exit 1 if it is stale."""
    fresh = page()
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != fresh:
            sys.exit("docs/crd.md is stale: run tools/gen_crd_reference.py")
        return
    PAGE.write_text(fresh)


def page() -> str:
    """The whole page."""
    definition = custom_resource_definition()
    spec, version = definition["spec"], definition["spec"]["versions"][0]
    fields = version["schema"]["openAPIV3Schema"]["properties"]
    of_spec = [entry for entry in places(fields["spec"]) if entry[0]]
    return HEAD.format(
        kind=spec["names"]["kind"],
        group=spec["group"],
        version=version["name"],
        name=f"{spec['group']}_{spec['names']['plural']}",
        short=spec["names"]["shortNames"][0],
        category=spec["names"]["categories"][0],
        columns="\n".join(
            _row(column["name"], _shows(column)) for column in version["additionalPrinterColumns"]
        ),
        spec="\n".join(
            _row(f"`{place}`", _value(node), "required" if required else _default(node), _meaning(node))
            for place, node, required in of_spec
        ),
        rules="\n".join(
            _row(f"`{place}{rule.get('fieldPath', '')}`", rule["message"])
            for place, node, _ in of_spec
            for rule in node.get("x-kubernetes-validations", ())
        ),
        name_longest=fields["metadata"]["properties"]["name"]["maxLength"],
        status="\n".join(
            _row(f"`{place}`", _value(node), _meaning(node))
            for place, node, _ in places(fields["status"])
            if place
        ),
    )


def places(node: Node, place: str = "", required: bool = False) -> Iterator[tuple[str, Node, bool]]:
    """Every field with its path, parents first; `[]` stands for each item of a list of mappings."""
    yield place, node, required
    if node.get("type") == "array":
        item = node["items"]
        if "properties" in item:
            yield from _below(item, f"{place}[]")
            return
    yield from _below(node, place)


def _below(node: Node, place: str) -> Iterator[tuple[str, Node, bool]]:
    for name, child in node.get("properties", {}).items():
        yield from places(child, f"{place}.{name}".lstrip("."), name in node.get("required", ()))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in cells) + " |"


def _shows(column: Node) -> str:
    return str(column.get("description", "How long it has been there."))


def _meaning(node: Node) -> str:
    """The first paragraph; the whole is in the policy file's reference and in `kubectl explain`."""
    return str(node.get("description", "")).partition("\n\n")[0]


def _value(node: Node) -> str:
    if "enum" in node:
        return ", ".join(f"`{value}`{_refused(value, node)}" for value in node["enum"])
    match node["type"]:
        case "integer" | "number":
            kind = "whole number" if node["type"] == "integer" else "number"
            return f"{kind}, {node['minimum']} to {node['maximum']}" if "maximum" in node else kind
        case "array":
            kind = "mappings" if "properties" in node["items"] else "of " + _value(node["items"])
            return f"list, {node.get('minItems', 0)} to {node['maxItems']} {kind}"
        case "boolean":
            return "`true`, `false`"
        case "object":
            return "mapping"
    words = PATTERN_WORDS.get(node.get("pattern", ""), "text")
    return "time" if node.get("format") == "date-time" else f"{words}, up to {node['maxLength']} characters"


def _refused(value: str, node: Node) -> str:
    """Of a value that the schema lists so that a rule can say why it is refused: why."""
    for rule in node.get("x-kubernetes-validations", ()):
        if rule["rule"] == f"self != '{value}'":
            return f" (refused: {rule['message'].partition(';')[0].removeprefix(f'{value} is ')})"
    return ""


def _default(node: Node) -> str:
    default = node.get("default")
    if default is None or default == {}:
        return ""
    if isinstance(default, list):
        if default and isinstance(default[0], dict):
            return "one route `anthropic`"
        return ", ".join(f"`{value}`" for value in default) or "none"
    return f"`{str(default).lower()}`" if isinstance(default, bool) else f"`{default}`"


if __name__ == "__main__":
    main()

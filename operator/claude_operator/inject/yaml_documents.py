"""Text with several YAML documents, of which some are changed and the others stay letter for letter."""

import io
from dataclasses import dataclass
from typing import Any

import yaml

from claude_operator.inject.json_value import Object


class Unreadable(ValueError):
    """The text is no YAML; line: counted from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """One document. text: from its `---`, where it has one, to the next one's; line: where it begins."""

    text: str
    line: int
    value: Any
    node: yaml.Node | None


class _Loader(yaml.SafeLoader):
    """Reads values, and keeps keys apart that only look alike to YAML 1.1."""


# `on: true` or a date as a key or value is text to Kubernetes' tools where it is quoted, and not touched here
# where it is not: only the node is written back, never what Python made of it.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_documents(text: str) -> tuple[str, list[Document]]:
    """What stands before the first document, and the documents; raises Unreadable."""
    try:
        starts = _starts(text)
        nodes = list(yaml.compose_all(text, Loader=_Loader))
        values = [_value(node) for node in nodes]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or "cannot be read as YAML"
        raise Unreadable(mark.line + 1 if mark else 1, str(problem)) from None
    if not starts:
        return text, []
    ends = [mark.index for mark in starts[1:]] + [len(text)]
    documents = [
        Document(text[start.index : end], start.line + 1, value, node)
        for start, end, value, node in zip(starts, ends, values, nodes, strict=True)
    ]
    return text[: starts[0].index], documents


def _starts(text: str) -> list[yaml.Mark]:
    events = yaml.parse(text, Loader=_Loader)
    marks = (event.start_mark for event in events if isinstance(event, yaml.DocumentStartEvent))
    return [mark for mark in marks if isinstance(mark, yaml.Mark)]


def _value(node: yaml.Node | None) -> Any:
    return None if node is None else _Loader("").construct_document(_own(node))


def changed_text(document: Document, operations: list[Object]) -> str:
    """The document with a JSON patch applied: numbers and quotes as they were written, comments gone."""
    if document.node is None:
        return document.text
    root = _own(document.node)
    for operation in operations:
        _apply(root, operation)
    start = "---\n" if document.text.startswith("---") else ""
    written = str(yaml.serialize(root, Dumper=_Dumper, width=1_000_000, allow_unicode=True))
    return start + written.removesuffix("...\n")


def _own(node: yaml.Node) -> yaml.Node:
    """A copy without aliases and merges, so that a change at one place is no change at another."""
    if isinstance(node, yaml.ScalarNode):
        return yaml.ScalarNode(node.tag, node.value, node.start_mark, node.end_mark, node.style)
    if isinstance(node, yaml.SequenceNode):
        items = [_own(item) for item in node.value]
        return yaml.SequenceNode(node.tag, items, node.start_mark, node.end_mark, node.flow_style)
    assert isinstance(node, yaml.MappingNode)
    pairs = [(_own(key), _own(value)) for key, value in node.value]
    copied = yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark, node.flow_style)
    _Loader("").flatten_mapping(copied)
    return copied


class _Dumper(yaml.SafeDumper):
    """Writes what was read as it was, and new text so that no reader takes it for anything else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """Quoted unless it starts like a word: readers differ in what else they take for a number or a switch."""
    plain = text.isascii() and text[:1].isalpha() and text.lower() not in _WORDS_WITH_MEANING
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_WORDS_WITH_MEANING = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_Dumper.add_representer(str, _text)


def _apply(root: yaml.Node, operation: Object) -> None:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
    parent = root
    for step in steps[:-1]:
        parent = _below(parent, step)
    last = steps[-1]
    if isinstance(parent, yaml.SequenceNode):
        _apply_to_list(parent, int(last), operation)
        return
    kept = [(key, value) for key, value in parent.value if key.value != last]
    if operation["op"] == "remove":
        parent.value = kept
        return
    new = _node(operation["value"])
    if len(kept) == len(parent.value):
        parent.value = [*kept, (_node(last), new)]
    else:
        parent.value = [(key, new if key.value == last else value) for key, value in parent.value]


def _apply_to_list(parent: yaml.SequenceNode, at: int, operation: Object) -> None:
    if operation["op"] == "add":
        parent.value.insert(at, _node(operation["value"]))
    elif operation["op"] == "remove":
        del parent.value[at]
    else:
        parent.value[at] = _node(operation["value"])


def _below(parent: yaml.Node, step: str) -> yaml.Node:
    if isinstance(parent, yaml.SequenceNode):
        found: yaml.Node = parent.value[int(step)]
    else:
        found = next(value for key, value in parent.value if key.value == step)
    return found


def _node(value: Any) -> yaml.Node:
    return _Dumper(io.StringIO(), sort_keys=False).represent_data(value)

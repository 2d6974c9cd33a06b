"""YAML read into plain data that remembers its lines.

PyYAML's own constructor forgets lines, lets a repeated key win silently and turns `on` into a boolean.
So nodes are composed by PyYAML and turned into data here. Depth and size are bounded before anything
recursive runs, and aliases count as often as they are used: a small file cannot grow into a big one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from claude_sidecar.config.problem import WHOLE_FILE, Problem
from claude_sidecar.config.shown import field_path, shown

MAX_DEPTH = 32
MAX_NODES = 50_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = {_TAG + "str", _TAG + "timestamp", _TAG + "value", _TAG + "merge"}
_NAMES = {_TAG + "bool": "boolean", _TAG + "int": "number", _TAG + "float": "number", _TAG + "null": "null"}

Loc = tuple[str | int, ...]


class Refused(Exception):
    """The text cannot be read any further; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        self.message = message
        super().__init__(message)


@dataclass(slots=True)
class Tree:
    """Data of a file, the line of every field and item, and how plain scalars were spelt."""

    file: str
    data: Any = None
    lines: dict[Loc, int] = field(default_factory=dict)
    spelling: dict[Loc, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, loc: Loc) -> int:
        """Line of a field, or of the nearest field around it that the file has."""
        while loc and loc not in self.lines:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def problem(self, loc: Loc, message: str, line: int | None = None) -> None:
        """Note a fault at a field."""
        where = field_path(loc) or WHOLE_FILE
        self.problems.append(Problem(self.file, line or self.line(loc), where, message))


def read_tree(text: str, file: str) -> Tree:
    """Read the one YAML document in a text.

    Faults that leave something to read (a repeated field, a field name that is no text) are in
    `Tree.problems`; others raise Refused.
    """
    try:
        _bound(text)
        nodes = [node for node in yaml.compose_all(text, Loader=_LOADER) if not _is_empty(node)]
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, text) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Refused(line, "holds a character that YAML does not allow; save it as plain UTF-8") from None
    if not nodes:
        raise Refused(1, "is empty; give apiVersion, kind, metadata and spec")
    if len(nodes) > 1:
        line = nodes[1].start_mark.line + 1
        raise Refused(line, "a second document begins here; put one policy in a file")
    return _Builder(file).build(nodes[0])


def _bound(text: str) -> None:
    """Refuse what is nested too deeply for the composer, which recurses, or has too many parts."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        line = event.start_mark.line + 1 if event.start_mark else 1
        if depth > MAX_DEPTH:
            raise Refused(line, f"is nested too deeply; allowed: {MAX_DEPTH} levels")
        if count > 2 * MAX_NODES:
            raise Refused(line, f"has too many parts; allowed: {MAX_NODES}")


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == _TAG + "null" and not node.value


def _not_yaml(error: yaml.MarkedYAMLError, text: str) -> Refused:
    mark = error.problem_mark or error.context_mark
    reason = error.problem or error.context or "cannot be read"
    line = mark.line + 1 if mark else 1
    fault = "".join(text.split("\n")[line - 1 : line])
    indent = fault[: len(fault) - len(fault.lstrip())]
    hint = "; indent with spaces, not tabs" if "\t" in indent else ""
    return Refused(line, f"is not YAML: {reason}{hint}")


class _Builder:
    """Turns nodes into data; one use."""

    def __init__(self, file: str) -> None:
        self._tree = Tree(file)
        self._nodes = 0
        self._scalars = SafeConstructor()
        self._readers: dict[str, Callable[[yaml.ScalarNode], Any]] = {
            _TAG + "bool": self._scalars.construct_yaml_bool,
            _TAG + "int": self._scalars.construct_yaml_int,
            _TAG + "float": self._scalars.construct_yaml_float,
            _TAG + "null": lambda _: None,
        }

    def build(self, root: yaml.Node) -> Tree:
        self._tree.lines[()] = root.start_mark.line + 1
        self._tree.data = self._value(root, (), 0)
        return self._tree

    def _value(self, node: yaml.Node, loc: Loc, depth: int) -> Any:
        self._nodes += 1
        line = node.start_mark.line + 1
        if self._nodes > MAX_NODES:
            raise Refused(line, f"has too many parts, aliases counted; allowed: {MAX_NODES}")
        if depth > MAX_DEPTH:
            raise Refused(line, f"is nested too deeply, aliases counted; allowed: {MAX_DEPTH} levels")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, loc)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self._item(item, (*loc, index), depth) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, loc, depth)
        self._tree.problem(loc, f"has the tag {shown(node.tag)}; plain YAML only", line)
        return None

    def _item(self, node: yaml.Node, loc: Loc, depth: int) -> Any:
        self._tree.lines[loc] = node.start_mark.line + 1
        return self._value(node, loc, depth + 1)

    def _scalar(self, node: yaml.ScalarNode, loc: Loc) -> Any:
        if node.tag in _TEXT_TAGS:
            return node.value
        self._tree.spelling[loc] = node.value
        read = self._readers.get(node.tag)
        if read is None:
            self._tree.problem(loc, f"has the tag {shown(node.tag)}; plain YAML only")
            return None
        try:
            return read(node)
        except (ValueError, KeyError, IndexError):
            self._tree.problem(loc, f"cannot be read as a {_NAMES[node.tag]}")
            return None

    def _mapping(self, node: yaml.MappingNode, loc: Loc, depth: int) -> dict[str, Any]:
        found = self._merged(node, loc, depth)
        first_lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                continue
            key = self._key(key_node, loc)
            if key is None:
                continue
            line = key_node.start_mark.line + 1
            if key in first_lines:
                message = f"is given twice, first in line {first_lines[key]}; give it once"
                self._tree.problem((*loc, key), message, line)
                continue
            first_lines[key] = self._tree.lines[(*loc, key)] = line
            found[key] = self._value(value_node, (*loc, key), depth + 1)
        return found

    def _merged(self, node: yaml.MappingNode, loc: Loc, depth: int) -> dict[str, Any]:
        """What merge keys (`<<`) bring: the first source wins, the mapping's own fields win over all."""
        sources: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                sources += value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
        found: dict[str, Any] = {}
        for source in reversed(sources):
            if isinstance(source, yaml.MappingNode) and source.tag == _TAG + "map":
                found.update(self._value(source, loc, depth + 1))
            else:
                self._tree.problem(loc, "`<<` must name a mapping", source.start_mark.line + 1)
        return found

    def _key(self, node: yaml.Node, loc: Loc) -> str | None:
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.ScalarNode):
            self._tree.problem(loc, "has a field name that is no plain text", line)
            return None
        if node.tag in _TEXT_TAGS:
            return str(node.value)
        kind = _NAMES.get(node.tag, "value of its own kind")
        self._tree.problem(
            loc, f"YAML reads the field name {shown(node.value)} as a {kind}, not as text; quote it", line
        )
        return None

"""Scenario text into a `Scenario`, with the line of whatever is wrong with it."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from claude_sidecar.simulator.rule import Match, Rule
from claude_sidecar.simulator.scenario import AnswerShape, Key, Limits, Scenario, Timing

_PARTS: dict[str, type[BaseModel]] = {
    "rules": Rule,
    "match": Match,
    "keys": Key,
    "limits": Limits,
    "timing": Timing,
    "answer": AnswerShape,
}
_MAX_BYTES = 4 * 1024 * 1024

Whole = TypeVar("Whole", bound=BaseModel)


class ScenarioError(Exception):
    """A scenario that cannot be used; *problems* are lines `source:line: path: what is wrong`."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def load(path: Path) -> Scenario:
    """Read a scenario file; raises `ScenarioError`."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ScenarioError([f"{path}: cannot be read: {reason}. Give the path of a YAML file."]) from None
    return parse(raw, str(path))


def parse(raw: bytes, source: str = "scenario") -> Scenario:
    """YAML or JSON text to a scenario; *source* is what errors call it. Raises `ScenarioError`."""
    return parse_as(Scenario, _PARTS, raw, source)


def parse_as(whole: type[Whole], parts: Mapping[str, type[BaseModel]], raw: bytes, source: str) -> Whole:
    """YAML or JSON text to a value of another form of the same kind. Raises `ScenarioError`.

    *parts*: the models of nested fields by the fields' names, for the nearest known name in errors.
    """
    if len(raw) > _MAX_BYTES:
        raise ScenarioError([f"{source}: larger than 4 MiB"])
    try:
        text = raw.decode()
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except UnicodeDecodeError as error:
        raise ScenarioError([f"{source}: not UTF-8 (byte {error.start})"]) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ScenarioError([f"{source}:{line}: not YAML: {error.problem}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ScenarioError([f"{source}:1: not YAML: {error}"]) from None
    twice = [f"{source}:{line}: {name}: given twice" for line, name in _repeated(node)]
    if twice:
        raise ScenarioError(twice)
    if value is None:
        value = {}
    if not isinstance(value, dict):
        names = ", ".join(whole.model_fields)
        raise ScenarioError([f"{source}:1: a mapping is wanted, with any of {names}"])
    try:
        return whole.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        found = sorted((_line(node, detail["loc"]), explain(detail, whole, parts)) for detail in details)
        raise ScenarioError([f"{source}:{line}: {problem}" for line, problem in found]) from None


def explain(
    detail: ErrorDetails,
    whole: type[BaseModel] = Scenario,
    parts: Mapping[str, type[BaseModel]] = _PARTS,
) -> str:
    """One validation error in a line: the path unless it is the whole, what is wrong, the nearest name."""
    path = ".".join(str(step) for step in detail["loc"])
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        *parents, name = (step for step in detail["loc"] if isinstance(step, str))
        inner = next((parts[parent] for parent in reversed(parents) if parent in parts), whole)
        fields = inner.model_fields
        near = difflib.get_close_matches(name, sorted(fields), n=1)
        message = "unknown field" + (f"; did you mean {near[0]}?" if near else "")
    return f"{path}: {message}" if path else message


def _repeated(root: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """Names that stand twice in one mapping, of which YAML would silently take the last."""
    waiting, visited = [root], set[int]()
    while waiting:
        node = waiting.pop()
        # An alias makes a node appear again, even inside itself.
        if id(node) in visited:
            continue
        visited.add(id(node))
        if isinstance(node, yaml.MappingNode):
            names: set[str] = set()
            for name, value in node.value:
                if str(name.value) in names:
                    yield name.start_mark.line + 1, str(name.value)
                names.add(str(name.value))
                waiting.append(value)
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _line(node: yaml.Node | None, path: tuple[int | str, ...]) -> int:
    """The line on which *path* stands, or the last part of it that does; counted from 1."""
    line = 1
    for step in path:
        found: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if name.value == str(step):
                    line, found = name.start_mark.line + 1, value
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
            line = found.start_mark.line + 1
        if found is None:
            break
        node = found
    return line

"""A validation error of the model, said in words a person can act on: what is wrong and what is allowed."""

import difflib
import math
from typing import Any

from claude_sidecar.config.shown import field_path, shown
from claude_sidecar.config.yaml_tree import Loc
from claude_sidecar.schema import fields
from claude_sidecar.schema.durations import DURATION_PATTERN
from claude_sidecar.schema.json_schema import node_at, places
from claude_sidecar.schema.retry import RetryBudget

PATTERN_WORDS = {
    DURATION_PATTERN: "a duration such as 500ms, 1s, 2m or 1m30s",
    fields.LABEL_PATTERN: "lower-case letters, digits and inner dashes, such as second-org",
    fields.SUBDOMAIN_PATTERN: "lower-case letters, digits, and inner dashes and dots, such as claude-keys",
    fields.DATA_KEY_PATTERN: "letters, digits, dashes, dots and underscores",
    fields.VARIABLE_PATTERN: "the name of an environment variable, such as SECOND_ORG_KEY",
    fields.MODEL_PATTERN: "a model name without spaces, such as claude-sonnet-4-6",
    fields.PRICE_PATTERN: 'a decimal string of at least 0, such as "3" or "0.30"',
    fields.HOUR_PRICE_PATTERN: 'a decimal string of at least 0, such as "6" or "0.60"',
    fields.HEADER_PATTERN: "a header name, such as x-claude-feature",
    fields.ENDPOINT_PATTERN: "https://HOST[:PORT][/BASE/PATH] (http:// for loopback hosts)",
    fields.PATH_PATTERN: "a path",
}
_RATIO = "spec.retry.budget.ratio"
"""How other retry budgets say it, such as Linkerd's: a word of its own, since no known name is near."""

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def complaint(kind: str, loc: Loc, given: Any, context: dict[str, Any], spelling: str | None) -> str:
    """Say one error of pydantic's.

    kind: its `type`; given: the value there; context: its `ctx`; spelling: the value as the file has it,
    where YAML made something other than text of it.
    """
    schema = node_at(loc)
    match kind:
        case "policy":
            return str(context["message"])
        case "extra_forbidden":
            return _unknown_field(loc, given)
        case "missing":
            return f"is missing; give {_allowed(schema)}"
        case "enum" | "literal_error":
            return _not_among(given, schema.get("enum") or [schema.get("const")], spelling)
        case "too_short" | "too_long":
            return (
                f"has {len(given)} entries; allowed: {schema.get('minItems', 0)} to {schema.get('maxItems')}"
            )
        case "string_too_long":
            return f"is {len(given)} characters long; allowed: up to {schema.get('maxLength')}"
        case "greater_than_equal" | "less_than_equal" | "finite_number":
            return f"{shown(given)} is out of range; allowed: {_range(schema)}"
        case "string_pattern_mismatch":
            return f"{shown(given)} is not valid; allowed: {_allowed(schema)}"
    return _wrong_kind(given, schema, spelling)


def _wrong_kind(given: Any, schema: dict[str, Any], spelling: str | None) -> str:
    message = f"must be {_allowed(schema)}, not {_kind_of(given, spelling)}"
    if schema.get("type") == "string" and spelling is not None:
        if schema.get("pattern") == DURATION_PATTERN:
            return f"{message}; add a unit: {spelling[:20]}s" if spelling.isdigit() else message
        return f'{message}; quote it: "{spelling[:60]}"'
    if schema.get("type") == "integer" and isinstance(given, float) and (near := _whole(given, schema)):
        return f"{message}; write {' or '.join(map(str, near))}"
    return message


def _whole(given: float, schema: dict[str, Any]) -> list[int]:
    """The whole numbers next to a fraction, as far as they are allowed."""
    if not math.isfinite(given):
        return []
    near = sorted({math.floor(given), math.ceil(given)})
    return [number for number in near if schema["minimum"] <= number <= schema["maximum"]]


def _kind_of(given: Any, spelling: str | None) -> str:
    match given:
        case bool():
            return f"the boolean that YAML reads in {shown(spelling or given)}"
        case int() | float():
            return f"the number {shown(spelling or given)}"
        case str():
            return "text"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
    return "null"


def _allowed(schema: dict[str, Any]) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if schema.get("pattern") in PATTERN_WORDS:
        return PATTERN_WORDS[schema["pattern"]]
    kind = _KINDS.get(schema.get("type", ""), "a value")
    if "minimum" in schema and "maximum" in schema:
        return f"{kind} from {_range(schema)}"
    if schema.get("type") == "object" and "properties" in schema:
        return f"{kind} with the fields {', '.join(schema['properties'])}"
    return kind


def _range(schema: dict[str, Any]) -> str:
    lowest, highest = schema.get("minimum", 0), schema.get("maximum")
    return f"{lowest:g} to {highest:,}".replace(",", "") if highest is not None else f"{lowest:g} or more"


def _not_among(given: Any, allowed: list[str], spelling: str | None) -> str:
    if not isinstance(given, str):
        return f"must be one of {', '.join(allowed)}, not {_kind_of(given, spelling)}"
    nearest = _nearest(given, allowed)
    question = f"did you mean `{nearest}`? " if nearest else ""
    return f"{shown(given)} is not possible here; {question}allowed: {', '.join(allowed)}"


def _unknown_field(loc: Loc, given: Any) -> str:
    if field_path(loc) == _RATIO:
        return f"is given in percent: write `percent: {_percent(given)}` in its place"
    name, parent = str(loc[-1]), node_at(loc[:-1])
    allowed = list(parent.get("properties", ()))
    nearest = _nearest(name, allowed)
    elsewhere = [place for place in places() if place[-1] == name]
    if nearest:
        question = f"did you mean `{nearest}`? "
    elif elsewhere:
        question = f"it belongs to {' or '.join(field_path(place[:-1]) for place in elsewhere[:2])}; "
    else:
        question = ""
    return f"unknown field; {question}allowed: {', '.join(allowed)}"


def _percent(ratio: Any) -> int:
    """A ratio as whole percent, as near as a policy has it; the default where it is none."""
    if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 0 <= ratio <= 1:
        return RetryBudget().percent
    return round(ratio * 100)


def _nearest(given: str, allowed: list[str]) -> str | None:
    """The known name most like what was written; case, dashes and underscores do not count."""
    folded = {_folded(name): name for name in allowed}
    found = difflib.get_close_matches(_folded(given[:80]), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")

"""Descriptions as `kubectl explain` prints them: a field's docstring, its values, its default.

kubectl shows neither defaults nor bounds, nor the values that a list may hold: so the text does.
"""

from typing import Any

from claude_sidecar.schema.durations import DURATION_PATTERN

MEANINGS = "x-meanings"
"""Where the model's schema says what each value of an enum is."""


def described(plain: dict[str, Any]) -> str:
    """A field's description, of what pydantic's schema says of the field, references followed."""
    # kubectl breaks lines itself.
    paragraphs = [" ".join(paragraph.split("\n")) for paragraph in plain["description"].split("\n\n")]
    meanings = plain.get("items", {}).get(MEANINGS, {})
    paragraphs.append("\n".join(f"- `{value}`: {meaning}" for value, meaning in meanings.items()))
    paragraphs.append(" ".join(filter(None, (_values(plain), _default(plain.get("default"))))))
    return "\n\n".join(filter(None, paragraphs))


def _values(schema: dict[str, Any]) -> str:
    if schema.get("type") == "integer":
        return f"A whole number from {schema['minimum']} to {schema['maximum']}."
    if schema.get("pattern") == DURATION_PATTERN:
        return "A duration such as 500ms, 1s, 2m or 1m30s."
    if schema.get("type") == "array":
        return f"{schema.get('minItems', 0)} to {schema['maxItems']} entries."
    return ""


def _default(default: Any) -> str:
    match default:
        case None | dict() | [] | [dict(), *_]:
            return ""
        case bool():
            return f"Default: {str(default).lower()}."
        case list():
            return f"Default: {', '.join(default)}."
    return f"Default: {default}."

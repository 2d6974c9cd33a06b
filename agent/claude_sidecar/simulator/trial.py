"""The `x-simulate` request header: one fault for one call, without a scenario file.

Grammar: parts separated by `;`. A part is a status (`529`), a flag (`reset`) or `name=value`, where the name
is a field of a rule with `-` for `_` (`truncate-at-event=3`), or `header.NAME=VALUE` for a line of the
answer's head.
"""

from pydantic import ValidationError

from claude_sidecar.simulator.errors import ApiError
from claude_sidecar.simulator.rule import Rule
from claude_sidecar.simulator.scenario_file import explain

HEADER = "x-simulate"
ID_HEADER = "x-simulate-id"
_NOT_BY_HEADER = {"match", "name", "headers"}


def parse(text: str) -> Rule:
    """The rule that a header value stands for; raises `ApiError` 400 that says what is allowed."""
    fields: dict[str, object] = {"name": HEADER}
    lines: list[tuple[str, str]] = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, given, value = (piece.strip() for piece in part.partition("="))
        field = name.lower().replace("-", "_")
        if name.lower().startswith("header."):
            lines.append((name[len("header.") :], value))
        elif not given and name.isdigit():
            fields["status"] = name
        elif field in Rule.model_fields and field not in _NOT_BY_HEADER:
            fields[field] = value if given else True
        else:
            allowed = sorted(set(Rule.model_fields) - _NOT_BY_HEADER)
            names = ", ".join(field.replace("_", "-") for field in allowed)
            raise ApiError(400, f"x-simulate: {name!r} is not known. Allowed: a status, header.NAME, {names}")
    if lines:
        fields["headers"] = lines
    try:
        return Rule.model_validate(fields)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        raise ApiError(400, f"x-simulate: {explain(detail)}") from None

"""Fields that this version does not know: an injected sidecar passes them over and tells of them."""

from typing import Any

from pydantic import ValidationError

from claude_sidecar.schema.claude_policy import ClaudePolicy

_MOST = 50


def drop_unknown_fields(data: Any) -> tuple[str, ...]:
    """Take unknown fields out of a policy's plain data, in place; their paths, at most 50.

    The operator of a newer version may name what an older sidecar does not know, and a file is never refused
    for that; everything else that is wrong still is.
    """
    try:
        ClaudePolicy.model_validate(data)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_input=False)
        unknown = [error["loc"] for error in errors if error["type"] == "extra_forbidden"]
    else:
        return ()
    dropped = [".".join(map(str, loc)) for loc in unknown if _drop(data, loc)]
    return tuple(dropped[:_MOST])


def _drop(data: Any, loc: tuple[int | str, ...]) -> bool:
    for part in loc[:-1]:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return False
    return isinstance(data, dict) and data.pop(loc[-1], None) is not None

"""How values and places of a policy file appear in messages: short, on one line, never a key."""

import json
import re
from collections.abc import Sequence

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")
_KEY_MARK = "sk-ant"


def shown(value: object) -> str:
    """A value in backquotes, cut to 60 characters; what may be a key is not shown."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if _KEY_MARK in text.lower():
        return "(not shown: it looks like a key)"
    quoted = json.dumps(text)[1:-1].replace('\\"', '"')
    return f"`{quoted[:60]}...`" if len(quoted) > 60 else f"`{quoted}`"


def field_path(loc: Sequence[str | int]) -> str:
    """A place as users write it: `spec.routes[0].name`."""
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _PLAIN.fullmatch(part) and _KEY_MARK not in part.lower():
            path += f".{part}" if path else part
        else:
            path += f"[{shown(part)}]"
    return path

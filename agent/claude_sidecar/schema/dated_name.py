"""A model's name without its date.

How names are built: docs/claude-api-notes.md, "Model names".
"""

import re

_DATE = re.compile(r"[-@](20\d{6})$")
_ALIAS = re.compile(r"-(?:latest|0)$")


def split_date(name: str) -> tuple[str, str]:
    """The name without its date, and the date's eight digits; without one, also without what marks an alias.

    `claude-haiku-4-5-20251001` and `claude-haiku-4-5@20251001` are `("claude-haiku-4-5", "20251001")`, and
    `claude-opus-4-0` is `("claude-opus-4", "")`.
    """
    found = _DATE.search(name)
    if found is not None:
        return name[: found.start()], found[1]
    return _ALIAS.sub("", name), ""

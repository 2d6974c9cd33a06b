"""A hint's shape: one line of printable ASCII, bounded, fit for a header value."""

import re

MAX_CHARS = 400

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def one_line(text: str) -> str:
    """The text as a header value may carry it; cut at a word with `...` where it is too long."""
    line = _UNPRINTABLE.sub(" ", text).strip()
    if len(line) <= MAX_CHARS:
        return line
    return line[: MAX_CHARS - 3].rsplit(" ", 1)[0] + "..."

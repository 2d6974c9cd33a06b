"""A hint's shape: one line of printable ASCII, bounded, fit for a header; it ends with where to read on."""

import re

MAX_CHARS = 400

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def one_line(text: str, section: str, whole: str = "") -> str:
    """The text as a header value may carry it, and behind it the section of docs/errors.md that goes on.

    The text is cut at a word with `...` where there is no room for all. whole: stands between the two, uncut.
    """
    line, end = _UNPRINTABLE.sub(" ", text).strip(), _reference(section)
    if whole:
        end = f" {whole}{end}"
    room = MAX_CHARS - len(end)
    if len(line) > room:
        line = line[: room - 3].rsplit(" ", 1)[0] + "..."
    return (line + end).lstrip()


def room_for(section: str) -> int:
    """How many characters the reference to a section takes."""
    return len(_reference(section))


def _reference(section: str) -> str:
    # A page's name and an anchor: the project has no host of its own, and the docs come with each version.
    return f" [docs/errors.md#{section}]"

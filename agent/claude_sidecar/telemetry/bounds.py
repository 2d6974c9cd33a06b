"""Strings that strangers chose, cut to length and made printable before anybody keeps them."""

from collections.abc import Sequence

import msgspec

NAME_CHARS = 128
PATH_CHARS = 256
TEXT_CHARS = 512
LINE_CHARS = 2_000
"""Of a line for a terminal."""


def clean(text: str, limit: int) -> str:
    """The first `limit` characters, with `?` for each that is not printable (lone surrogates too)."""
    if len(text) > limit:
        text = text[:limit]
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" for char in text)


def keep_bounded(value: msgspec.Struct, bounds: Sequence[tuple[str, int]]) -> None:
    """Clean the texts of a value that is just being made.

    bounds: names of its fields that hold a text or None, each with the most characters it may have.
    """
    for name, limit in bounds:
        text = getattr(value, name)
        if text is not None and (len(text) > limit or not text.isprintable()):
            msgspec.structs.force_setattr(value, name, clean(text, limit))

"""Where JSON's tokens end in a piece of a body: texts, keys, whole arrays and objects."""

import re

import msgspec

QUOTE, BACKSLASH, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT = b'"\\[]{}'

_INSIDE_TEXT = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_TEXT = b'"' + _INSIDE_TEXT + b'"'

KEY = re.compile(rb"(" + _TEXT + rb")\s*+:\s*+", re.DOTALL)
"""A member's key, quotes and all, and the colon behind it."""

ATOM = re.compile(rb"[^\s,\]}]++(?=[\s,\]}])")
"""A number or a name such as `true`, once it is known where it ends."""

FLAT = re.compile(rb'(?:[^"\[\]{}]++|' + _TEXT + rb")*+", re.DOTALL)
"""Whatever has neither brackets nor a text without an end."""

_inside_text = re.compile(_INSIDE_TEXT, re.DOTALL).match
_trailing = re.compile(r"trailing characters \(byte ([0-9]+)\)").search
_pass_over = msgspec.json.Decoder(msgspec.Raw).decode


RUN_BYTES = 1024
"""Fewer are not worth a guess."""

_GUESSES = 4


def value_end(buffer: bytes, at: int) -> int | None:
    """Where the array or object that opens at `at` ends; None if it is not whole, or no JSON.

    msgspec passes over a value some ten times as fast as a pattern does, but has no function that says where
    the value ended. Its error about what comes behind does, and a test holds it to these words.
    """
    try:
        _pass_over(memoryview(buffer)[at:])
    except msgspec.DecodeError as error:
        trailing = _trailing(str(error))
        if trailing is None:
            return None
        end = at + int(trailing[1]) - 1  # it counts from one
    except RecursionError:
        return None
    else:
        end = len(buffer)
    # White space behind the value is not the value's.
    return max(buffer.rfind(b"]", at, end), buffer.rfind(b"}", at, end)) + 1


def run_end(buffer: bytes, at: int) -> int | None:
    """Behind the last of many whole elements of an array, the first of which stands at `at`; None if unknown.

    Where an element ends is guessed from behind and then seen: what is no element's end makes no array. So a
    long array is passed over at once; by `value_end`, each small element takes as long as 4 KiB of this.
    """
    edge = len(buffer)
    for _ in range(_GUESSES):
        edge = buffer.rfind(b"},", at, edge)
        if edge - at < RUN_BYTES:
            return None
        try:
            _pass_over(b"[%b]" % buffer[at : edge + 1])
        except (msgspec.DecodeError, RecursionError):
            continue
        return edge + 1
    return None


def text_end(buffer: bytes, at: int) -> int | None:
    """Behind the quote that ends the text within which `at` stands; None if it is not there."""
    quote = buffer.find(b'"', at)
    if quote > at and buffer[quote - 1] == BACKSLASH:
        # Escapes that may be quotes themselves, or backslashes: only now is it worth to read them all.
        quote = escapes_end(buffer, at)
        if buffer[quote : quote + 1] != b'"':
            return None
    return quote + 1 if quote >= 0 else None


def escapes_end(buffer: bytes, at: int) -> int:
    """How far the text within which `at` stands goes, less an escape that the buffer's end cuts."""
    inside = _inside_text(buffer, at)
    return inside.end() if inside is not None else at


def plain_text(quoted: bytes) -> bytes:
    """A text without its quotes and escapes; what is no JSON stays as it is."""
    if b"\\" not in quoted:
        return quoted[1:-1]
    try:
        return msgspec.json.decode(quoted, type=str).encode()
    except (ValueError, RecursionError):
        return quoted

"""Reads a JSON request body while it comes in: what matters, and where it stands, without building the rest.

It is no validator. It agrees with JSON parsers on all that is JSON; the rest is refused by whoever parses it
whole, so of that it may say anything. What lies whole in one piece is passed over in C; only what the end of
a piece cuts is walked token by token.
"""

import re
from enum import Enum
from typing import Any, NamedTuple

import msgspec

from claude_sidecar.wire.body_shape import BODY, PLAIN, Level
from claude_sidecar.wire.json_tokens import (
    ATOM,
    BACKSLASH,
    CLOSE_ARRAY,
    CLOSE_OBJECT,
    FLAT,
    KEY,
    OPEN_ARRAY,
    OPEN_OBJECT,
    QUOTE,
    escapes_end,
    plain_text,
    run_end,
    text_end,
    value_end,
)

_TOKEN_BYTES = 4096
"""A key, or a value that is kept, may have this much; of a longer value only the place is kept."""

_MEMBERS_MOST = 256
_DEPTH_MOST = 512
_WHOLE_LEVELS = 6
"""So deep, values are tried to be passed over whole; deeper, the same bytes would be read too often."""

_BOM = b"\xef\xbb\xbf"
_between = re.compile(rb"[\s,]*+").match
# One pattern for both takes ten times as long.
_binding_type = re.compile(rb'"(?:file|container_upload)"').search
_escaped_letter = re.compile(rb"\\u00[5-7]").search


class Unread(Enum):
    """Stands for a value that was not read: an array, an object, or a text over 4 KiB."""

    UNREAD = "unread"


UNREAD = Unread.UNREAD


class Member(NamedTuple):
    """One top-level member: its name, its place in bytes from the body's beginning, and its value.

    key_at: of the key's opening quote; start, end: of the value; value: None for `null`, UNREAD if not read.
    """

    name: str
    key_at: int
    start: int
    end: int
    value: Any


class BodyScanner:
    """Takes a body in pieces of any size, in time linear in it and in memory that doesn't grow with it.

    members: those that are kept and have ended, in order; JSON parsers go by the last of a name. ended: the
    object is whole. broken: this is no JSON object, or one that no API takes; nothing is known of it.
    """

    __slots__ = (
        "_base", "_depth", "_escaped", "_key", "_key_at", "_level", "_mask", "_opened_at", "_rest", "_stack",
        "_step", "_tried", "_value", "broken", "ended", "members",
    )  # fmt: skip

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.ended = False
        self.broken = False
        self._rest = b""
        self._base = 0
        self._step = self._begin
        self._stack: list[tuple[Level, int, int]] = []
        self._level = BODY
        self._mask = 0
        """Bits of the values in this object that bind."""
        self._value = PLAIN
        self._key, self._key_at = b"", 0
        self._opened_at = 0
        self._depth = 0
        self._escaped = False
        self._tried = (0, 0)

    @property
    def binds(self) -> bool:
        """Whether a content block that has come so far binds the call to an account."""
        return bool(self._mask) or any(mask for _, mask, _ in self._stack)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        if self.broken:
            return
        buffer = self._rest + data if self._rest else data
        at, size = 0, len(buffer)
        while at < size and (after := self._step(buffer, at)) >= 0:
            at = after
        self._base += at
        self._rest = buffer[at:]
        if len(self._rest) > _TOKEN_BYTES:
            self._break()

    # Each step takes what stands at `at` and returns what comes behind it, or -1 when it needs more bytes.

    def _begin(self, buffer: bytes, at: int) -> int:
        """A byte order mark may come first."""
        if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
            return -1
        self._step = self._open
        return len(_BOM) if buffer.startswith(_BOM) else at

    def _open(self, buffer: bytes, at: int) -> int:
        found = buffer[at]
        if found == OPEN_OBJECT:
            self._step = self._next
        elif found not in b" \t\r\n":
            return self._break()
        return at + 1

    def _next(self, buffer: bytes, at: int) -> int:
        """A key up to its value, the beginning of an element, or the end of the object or array."""
        between = _between(buffer, at)
        at = between.end() if between is not None else at
        if at == len(buffer):
            return at
        found, element = buffer[at], self._level.element
        if found == (CLOSE_OBJECT if element is None else CLOSE_ARRAY):
            self._close()
            return at + 1
        if element is None:
            key = KEY.match(buffer, at)
            if key is None:
                return -1 if found == QUOTE else self._break()
            self._key, self._key_at = plain_text(key[1]), self._base + at
            element = self._level.keys.get(self._key, PLAIN)
            self._mask &= ~element.bit  # a repeated key takes the former's place
            at = key.end()
        elif (end := self._run(buffer, at)) is not None and not may_bind(buffer, at, end):
            return end
        self._value = element
        self._step = self._read
        return at

    def _read(self, buffer: bytes, at: int) -> int:
        """A value, or the beginning of one."""
        found = buffer[at]
        if found == QUOTE:
            return self._text(buffer, at)
        if found == OPEN_OBJECT:
            return self._composite(buffer, at, self._value.object)
        if found == OPEN_ARRAY:
            return self._composite(buffer, at, self._value.array)
        if found in b" \t\r\n":
            return at + 1
        atom = ATOM.match(buffer, at)
        return self._end_value(at, atom.end(), atom[0]) if atom is not None else -1

    def _run(self, buffer: bytes, at: int) -> int | None:
        """Behind many whole elements; looked for once a piece, and again where it is less deep."""
        piece, depth = self._base + len(buffer), len(self._stack) + self._depth
        if buffer[at] != OPEN_OBJECT or (self._tried[0] == piece and self._tried[1] <= depth):
            return None
        self._tried = piece, depth
        return run_end(buffer, at)

    def _text(self, buffer: bytes, at: int) -> int:
        value = self._value
        end = text_end(buffer, at + 1)
        if end is not None:
            if value.binding is not None and plain_text(buffer[at:end]) == value.binding:
                self._mask |= value.bit
            return self._end_value(at, end, buffer[at:end] if value.kept else None)
        if (value.kept or value.binding is not None) and len(buffer) - at <= _TOKEN_BYTES:
            return -1
        self._opened_at = self._base + at
        self._step = self._inside_text
        return at + 1

    def _composite(self, buffer: bytes, at: int, level: Level | None) -> int:
        """An array or object: passed over where it is whole and says nothing, else gone into."""
        if level is None or len(self._stack) < _WHOLE_LEVELS:
            end = value_end(buffer, at)
            if end is not None and (level is None or not may_bind(buffer, at, end)):
                return self._end_value(at, end, None)
        if level is None:
            self._opened_at = self._base + at
            self._depth = 1
            self._step = self._inside_nest
        elif len(self._stack) == _DEPTH_MOST:
            return self._break()
        else:
            self._stack.append((self._level, self._mask, self._value.bit))
            self._level, self._mask = level, 0
            self._step = self._next
        return at + 1

    def _inside_text(self, buffer: bytes, at: int) -> int:
        """The rest of a text that is passed over."""
        at += self._escaped
        end = text_end(buffer, at)
        if end is None:
            self._escaped = buffer[-1] == BACKSLASH and escapes_end(buffer, at) < len(buffer)
            return len(buffer)
        self._escaped = False
        if self._depth:
            self._step = self._inside_nest
            return end
        return self._end_opened(end)

    def _inside_nest(self, buffer: bytes, at: int) -> int:
        """The rest of an array or object that is passed over: only brackets and texts count."""
        flat = FLAT.match(buffer, at)
        at = flat.end() if flat is not None else at
        if at == len(buffer):
            return at
        found = buffer[at]
        if found == QUOTE:
            self._step = self._inside_text
        elif found in (OPEN_ARRAY, OPEN_OBJECT):
            end = self._run(buffer, at)
            if end is None and self._depth < _WHOLE_LEVELS:
                end = value_end(buffer, at)
            if end is not None:
                return end
            self._depth += 1
        else:
            self._depth -= 1
            if not self._depth:
                return self._end_opened(at + 1)
        return at + 1

    def _behind(self, buffer: bytes, at: int) -> int:
        """What follows the whole object, where only white space may stand."""
        return len(buffer) if not buffer[at:].strip(b" \t\r\n") else self._break()

    def _ignore(self, buffer: bytes, at: int) -> int:
        return len(buffer)

    def _close(self) -> None:
        if not self._stack:
            self.ended = True
            self._step = self._behind
            return
        binds = self._mask
        self._level, self._mask, bit = self._stack.pop()
        self._mask |= bit if binds else 0
        self._step = self._next

    def _end_opened(self, end: int) -> int:
        self._step = self._next
        if self._value.kept:
            self._keep(self._opened_at, self._base + end, UNREAD)
        return end

    def _end_value(self, at: int, end: int, text: bytes | None) -> int:
        """text: the value's JSON where it may be read."""
        self._step = self._next
        if self._value.kept:
            try:
                value = UNREAD if text is None or len(text) > _TOKEN_BYTES else msgspec.json.decode(text)
            except (ValueError, RecursionError):
                return self._break()
            self._keep(self._base + at, self._base + end, value)
        return end

    def _keep(self, start: int, end: int, value: Any) -> None:
        self.members.append(Member(self._key.decode("ascii"), self._key_at, start, end, value))
        if len(self.members) > _MEMBERS_MOST:
            self._break()

    def _break(self) -> int:
        self.broken = True
        self.ended = False
        self._rest = b""
        self._stack.clear()
        self.members.clear()
        self._mask = 0
        self._step = self._ignore
        return -1


def may_bind(buffer: bytes, at: int, end: int) -> bool:
    """Whether one of the types that bind can be among these bytes: written out, or with letters escaped."""
    found = _binding_type(buffer, at, end) or _escaped_letter(buffer, at, end)
    return found is not None

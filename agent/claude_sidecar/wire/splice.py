"""Other bytes put in the place of some, while a body passes: all that is not replaced stays where it lies."""

from collections.abc import Sequence
from typing import NamedTuple

Piece = bytes | memoryview


class Edit(NamedTuple):
    """start, end: the bytes that give way, from the body's beginning; new: what comes in their place."""

    start: int
    end: int
    new: bytes


class Splicer:
    """Makes edits in a body that comes in pieces of any size.

    edits: in the order of their places, none of which overlap.
    """

    __slots__ = ("_at", "_edits", "_next")

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits
        self._next = 0
        self._at = 0

    def feed(self, piece: Piece) -> list[Piece]:
        """The parts that take this piece's place: views on it, nothing is copied."""
        view, begins = memoryview(piece), self._at
        ends = self._at = begins + len(piece)
        parts: list[Piece] = []
        at = begins
        while self._next < len(self._edits) and (edit := self._edits[self._next]).start < ends:
            if edit.start >= begins:
                parts += (view[at - begins : edit.start - begins], edit.new)
            if edit.end > ends:
                return [part for part in parts if part]
            at = max(begins, edit.end)
            self._next += 1
        parts.append(view[at - begins :])
        return [part for part in parts if part]


def growth_bytes(edits: Sequence[Edit]) -> int:
    """By how much the edits make a body longer."""
    return sum(len(edit.new) - (edit.end - edit.start) for edit in edits)

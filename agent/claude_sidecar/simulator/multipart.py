"""Splits a multipart/form-data body into its parts while it comes in."""

import re
from dataclasses import dataclass, field

from claude_sidecar.simulator.errors import ApiError

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,200})"|([^;\s]{1,200}))', re.IGNORECASE)
_NAME = re.compile(r'(?:^|;)\s*(name|filename)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_LONGEST_HEAD = 16 * 1024


@dataclass(slots=True)
class Part:
    """One part: its form name, its file name if it is a file, and its content as far as it is kept."""

    name: str
    filename: str | None
    content_type: str
    size: int = 0
    kept: bytearray | None = field(default_factory=bytearray)


class Splitter:
    """Feed it pieces of the body; *parts* grows. Of each part at most *keep* bytes stay in memory."""

    def __init__(self, content_type: str, keep: int) -> None:
        found = _BOUNDARY.search(content_type)
        if not content_type.lower().startswith("multipart/form-data") or found is None:
            raise ApiError(400, "content-type: multipart/form-data with a boundary is required")
        self._mark = b"\r\n--" + (found[1] or found[2]).encode()
        # The first boundary has no line break before it; with one lent to it, all boundaries look alike.
        self._pending = bytearray(b"\r\n")
        self._keep = keep
        self._in_body = False
        self._started = False
        self.finished = False
        self.parts: list[Part] = []

    def feed(self, piece: bytes) -> None:
        """Take the next piece; raises `ApiError` 400 for what is not multipart."""
        self._pending += piece
        while not self.finished and (self._body() if self._in_body or not self._started else self._head()):
            pass

    def _body(self) -> bool:
        """Move past content; True once a boundary was passed."""
        place = self._pending.find(self._mark)
        if place < 0:
            self._content(len(self._pending) - len(self._mark) - 4)
            return False
        end = place + len(self._mark)
        if len(self._pending) < end + 2:
            return False
        self._content(place)
        follows = bytes(self._pending[len(self._mark) : len(self._mark) + 2])
        del self._pending[: len(self._mark) + 2]
        self.finished = follows == b"--"
        self._started, self._in_body = True, False
        return not self.finished

    def _content(self, size: int) -> None:
        if size <= 0:
            return
        if self._started:
            part = self.parts[-1]
            part.size += size
            if part.kept is not None:
                part.kept += self._pending[:size]
                if len(part.kept) > self._keep:
                    part.kept = None
        del self._pending[:size]

    def _head(self) -> bool:
        """Read a part's head; True once it was whole."""
        end = self._pending.find(b"\r\n\r\n")
        if end < 0:
            if len(self._pending) > _LONGEST_HEAD:
                raise ApiError(400, "multipart: the head of a part is too long")
            return False
        lines = bytes(self._pending[:end]).decode("utf-8", "replace").split("\r\n")
        del self._pending[: end + 4]
        fields = {
            name.strip().lower(): value.strip() for name, _, value in (ln.partition(":") for ln in lines)
        }
        names = {name.lower(): value for name, value in _NAME.findall(fields.get("content-disposition", ""))}
        if "name" not in names:
            raise ApiError(400, "multipart: a part without a name")
        kind = fields.get("content-type", "text/plain")
        self.parts.append(Part(names["name"], names.get("filename"), kind))
        self._in_body = True
        return True

"""Server-sent events cut at their boundaries, byte for byte, in bounded memory."""

import re

_BOUNDARY = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_EVENT_LINE = re.compile(rb"(?:^|[\r\n])event:[ ]?([A-Za-z0-9_.-]+)")
_TYPE_IN_DATA = re.compile(rb'(?:^|[\r\n])data:[ ]?\{\s*"type"\s*:\s*"([A-Za-z0-9_.-]+)"')
_DATA_LINE = re.compile(rb"(?:^|[\r\n])data:[ ]?([^\r\n]*)")
_COMMENT_LINES = re.compile(rb"(?::[^\r\n]*(?:\r\n|\n|\r|$))+")
_PING_LINE = b"event: ping"
_RETURN = 0x0D  # a number is looked for in bytes in a tenth of the time that bytes are

DELTA_LINE = b"event: content_block_delta\n"
"""How nearly all events begin."""

PING = b'event: ping\ndata: {"type": "ping"}\n\n'
"""An event that every SDK skips, as the API writes it."""

PIECE_BYTES = 1 << 20
"""An event longer than this is passed on in pieces, so that memory stays bounded."""


class EventFramer:
    """Takes bytes as they come, gives back whole events as one run of bytes.

    Any chunking of a stream gives the same bytes and the same events. mid_event: pieces of an event have
    been given whose end has not come.
    """

    __slots__ = ("_pending", "_returns", "_scanned", "mid_event")

    def __init__(self) -> None:
        self._pending = b""
        self._scanned = 0
        self._returns = False
        self.mid_event = False

    def feed(self, data: bytes) -> list[bytes]:
        """Whole events that are complete now, each with its blank line; pieces of an event over 1 MiB."""
        buffer = self._pending + data if self._pending else data
        events = []
        start = 0
        scan = self._scanned
        self._returns = self._returns or _RETURN in data
        while (end := _boundary_end(buffer, scan, returns=self._returns)) is not None:
            if end == len(buffer) and buffer[end - 1] == _RETURN:
                # A carriage return at the very end may be the first half of a line end.
                break
            events.append(buffer[start:end])
            start = scan = end
        if events:
            self.mid_event = False
        self._pending = buffer[start:]
        # A boundary is at most four bytes long: what came before can't be part of one that is still to come.
        self._scanned = max(0, len(self._pending) - 3)
        if len(self._pending) > PIECE_BYTES:
            events.append(self._pending[:-4])
            self.mid_event = True
            self._pending = self._pending[-4:]
            self._scanned = 0
        return events

    def passes(self, data: bytes) -> bool:
        """Take one whole event that comes by itself, as most do; False, and nothing taken, for all else."""
        if self._pending or self._returns or data.find(b"\n\n") != len(data) - 2 or _RETURN in data:
            return False
        self.mid_event = False
        return True

    def rest(self) -> bytes:
        """What has come of an event that is not complete."""
        return self._pending

    @property
    def is_under_way(self) -> bool:
        """Whether an event has begun to come that is no ping."""
        return self.mid_event or (bool(self._pending) and is_under_way(self._pending))


def _boundary_end(buffer: bytes, start: int, *, returns: bool) -> int | None:
    """Where the first blank line ends; returns: whether carriage returns may be among the line ends.

    Nearly all streams have line feeds alone, which take a tenth of the time to find.
    """
    if returns:
        match = _BOUNDARY.search(buffer, start)
        return match.end() if match is not None else None
    at = buffer.find(b"\n\n", start)
    return at + 2 if at >= 0 else None


def event_type(event: bytes) -> bytes | None:
    """The event's type by its `event` line, else by the `type` its data opens with; None for comments."""
    if event.startswith(DELTA_LINE):
        return b"content_block_delta"
    match = _EVENT_LINE.search(event) or _TYPE_IN_DATA.search(event)
    return match.group(1) if match is not None else None


def is_under_way(piece: bytes) -> bool:
    """Whether the beginning of an event has come that is none of a ping; comments are no events."""
    comments = _COMMENT_LINES.match(piece)
    begun = piece[comments.end() :] if comments is not None else piece
    return bool(begun) and begun[: len(_PING_LINE)] != _PING_LINE[: len(begun)]


def comment_line(text: str) -> bytes:
    """A line that readers of events pass over; what is not printable ASCII becomes `?`."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in text)
    return b": " + plain.encode("ascii") + b"\n"


def error_event(data: bytes) -> bytes:
    """An `error` event whose reader gets these bytes back, line ends as line feeds."""
    lines = _LINE_END.split(data)
    return b"event: error\n" + b"".join([b"data: " + line + b"\n" for line in lines]) + b"\n"


def event_data(event: bytes) -> bytes:
    """The event's data lines joined by line feeds, as the SSE standard says."""
    return b"\n".join(_DATA_LINE.findall(event))

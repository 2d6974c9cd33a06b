"""Header lines as they stand on the wire, and which of them end at a proxy."""

from collections.abc import Iterable, Mapping, Sequence

HeaderLines = Sequence[tuple[bytes, bytes]]
"""Name and value of each line, in order, case and repeats as received."""

HeaderIndex = Mapping[bytes, bytes]
"""The value of the first line of each name, names in lower case."""

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""RFC 9110 section 7.6.1, with the `Proxy-Connection` and `Keep-Alive` of older clients."""


def first(lines: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Value of the first line of that lower-case name, None if there is none."""
    size = len(name)
    for line_name, value in lines:
        if len(line_name) == size and line_name.lower() == name:
            return value
    return None


def index_of(lines: HeaderLines) -> HeaderIndex:
    """For a head that is asked for many names: one look at each line instead of one at each for each name."""
    return {name.lower(): value for name, value in reversed(lines)}


def every(lines: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Values of all lines of that lower-case name."""
    return [value for line_name, value in lines if line_name.lower() == name]


def end_to_end(lines: HeaderLines, also_dropped: frozenset[bytes] = frozenset()) -> list[tuple[bytes, bytes]]:
    """The lines that go on to the other side: without hop-by-hop ones and those named in `Connection`.

    `Connection` may not name content-length away, which RFC 9110 section 7.6.1 forbids senders to try: a body
    would go on without its end.
    """
    kept = []
    named: set[bytes] = set()
    for line in lines:
        lowered = line[0].lower()
        if lowered in _HOP_BY_HOP:
            if lowered == b"connection":
                named.update(token.strip().lower() for token in line[1].split(b","))
        elif lowered not in also_dropped:
            kept.append(line)
    named -= {b"", b"close", b"keep-alive", b"content-length"}
    return [line for line in kept if line[0].lower() not in named] if named else kept


def render(start_line: bytes, lines: HeaderLines) -> bytes:
    """A message head, blank line included."""
    parts = [start_line, b"\r\n"]
    for name, value in lines:
        parts += (name, b": ", value, b"\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)

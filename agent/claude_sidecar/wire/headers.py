"""Header lines as they stand on the wire, and which of them end at a proxy."""

from collections.abc import Iterable, Sequence

HeaderLines = Sequence[tuple[bytes, bytes]]
"""Name and value of each line, in order, case and repeats as received."""

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


def every(lines: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Values of all lines of that lower-case name."""
    return [value for line_name, value in lines if line_name.lower() == name]


def end_to_end(lines: HeaderLines, also_dropped: frozenset[bytes] = frozenset()) -> list[tuple[bytes, bytes]]:
    """The lines that go on to the other side: without hop-by-hop ones and those named in `Connection`."""
    dropped = _HOP_BY_HOP | also_dropped
    for value in every(lines, b"connection"):
        named = {token.strip().lower() for token in value.split(b",")}
        dropped = dropped | (named - {b"", b"close", b"keep-alive"})
    return [line for line in lines if line[0].lower() not in dropped]


def render(start_line: bytes, lines: HeaderLines) -> bytes:
    """A message head, blank line included."""
    parts = [start_line, b"\r\n"]
    for name, value in lines:
        parts += (name, b": ", value, b"\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)

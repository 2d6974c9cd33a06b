"""Header lines as they stand on the wire, and which of them end at a proxy."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

HeaderLines = Sequence[tuple[bytes, bytes]]
"""Name and value of each line, in order, case and repeats as received."""

HeaderIndex = Mapping[bytes, bytes]
"""The value of the first line of each name, names in lower case."""

INSTANCE_HEADER = b"x-claude-sidecar-instance"
"""Holds the random id of the sidecar that sent a request. It goes to loopback and private endpoints only, and
every sidecar takes it off."""

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

_MOST_ID_CHARS = 128

_NAME_NO_LINES = frozenset({b"", b"close", b"keep-alive", b"content-length"})


def first(lines: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Value of the first line of that lower-case name, None if there is none."""
    size = len(name)
    for line_name, value in lines:
        if len(line_name) == size and line_name.lower() == name:
            return value
    return None


def lowered_names(lines: HeaderLines) -> list[bytes]:
    """Each line's name in lower case: made once a head, for all that look for names in it."""
    return [name.lower() for name, _ in lines]


def index_of(lines: HeaderLines) -> HeaderIndex:
    """For a head that is asked for many names: one look at each line instead of one at each for each name."""
    return {name.lower(): value for name, value in reversed(lines)}


def names_index_and_size(lines: HeaderLines) -> tuple[list[bytes], HeaderIndex, int]:
    """`lowered_names`, `index_of` and the bytes that the lines take on the wire, by one look at each line."""
    names: list[bytes] = []
    index: dict[bytes, bytes] = {}
    size = 0
    for name, value in lines:
        size += len(name) + len(value) + 4
        lowered = name.lower()
        names.append(lowered)
        if lowered not in index:
            index[lowered] = value
    return names, index, size


def id_in(index: HeaderIndex, name: bytes) -> str:
    """What a header names: a conversation, an agent, a feature; "" where it names nothing.

    A value of more than 128 characters, or with one that is not printable ASCII, is ignored; so is one that
    holds a key, as of a caller who swaps two variables: ids are told.
    """
    value = index.get(name)
    return "" if value is None or len(value) > _MOST_ID_CHARS else _id(value)


@lru_cache(maxsize=128)
def _id(value: bytes) -> str:
    """A short value as an id; an app's calls often name the same."""
    text = value.decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() and "sk-ant" not in text.lower() else ""


def every(lines: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Values of all lines of that lower-case name."""
    return [value for line_name, value in lines if line_name.lower() == name]


def hop_by_hop(lines: HeaderLines, names: Sequence[bytes]) -> frozenset[bytes]:
    """Which lines end here: hop-by-hop ones and those named in `Connection`; names: the lines' own.

    `Connection` may not name content-length away, which RFC 9110 section 7.6.1 forbids senders to try: a body
    would go on without its end.
    """
    if b"connection" not in names:
        return _HOP_BY_HOP
    said = b",".join([line[1] for line, name in zip(lines, names, strict=True) if name == b"connection"])
    named = {token.strip() for token in said.lower().split(b",")} - _NAME_NO_LINES
    return _HOP_BY_HOP | named if named else _HOP_BY_HOP


def end_to_end(
    lines: HeaderLines, also_dropped: frozenset[bytes] = frozenset(), names: Sequence[bytes] | None = None
) -> list[tuple[bytes, bytes]]:
    """The lines that go on to the other side; names: the lines' own in lower case, where they are at hand."""
    if names is None:
        names = lowered_names(lines)
    dropped = hop_by_hop(lines, names)
    if also_dropped:
        dropped |= also_dropped
    return [line for line, name in zip(lines, names, strict=True) if name not in dropped]


def render(start_line: bytes, lines: HeaderLines) -> bytes:
    """A message head, blank line included."""
    return b"\r\n".join([start_line, *map(b": ".join, lines), b"", b""])

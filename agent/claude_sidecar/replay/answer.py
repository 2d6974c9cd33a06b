"""What one send meets: when an upstream's answer comes, piece by piece, and how it ends."""

import math
from typing import NamedTuple

import msgspec

from claude_sidecar.wire.headers import HeaderLines


class Piece(NamedTuple):
    """Bytes of a body, by themselves or with what came just before. Times are seconds from the send."""

    at_s: float
    """When they come."""

    data: bytes

    quiet_from_s: float
    """Since when nothing had come."""

    pinged: bool = False
    """Whether it is a ping: the upstream is alive, and gets no further."""


class Answer(msgspec.Struct, frozen=True):
    """One answer. All times are seconds from the send."""

    status: int = 200

    headers: HeaderLines = ()

    head_s: float | None = 0.0
    """When its status line comes; None for an answer that never begins."""

    pieces: tuple[Piece, ...] = ()
    """Its body, as it comes."""

    end_s: float = 0.0
    """When no more comes; infinite for a silence that nothing ends."""

    dies: bool = False
    """Whether the connection breaks at its end, instead of the body's being whole."""


SILENT = Answer(head_s=None, end_s=math.inf)
"""Nothing ever comes."""


def broken_after(seconds: float) -> Answer:
    """The connection ends without a byte of an answer."""
    return Answer(head_s=None, end_s=seconds, dies=True)

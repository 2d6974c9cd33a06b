"""What every way of keeping a request's body has in common."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from claude_sidecar import clock
from claude_sidecar.providers.provider import BodyChange
from claude_sidecar.wire.request_peek import BodyFacts
from claude_sidecar.wire.request_reader import RequestReader
from claude_sidecar.wire.splice import Piece

_API_TAKES_BYTES = 32 << 20
"""As much the Messages API takes without the coding, so a body of that size is always read."""


class BodyTooLarge(Exception):
    """The body is over the limit: `size_bytes` as declared, or as far as it was read."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


class BodySource(Protocol):
    """Where a body comes from: the caller's connection."""

    async def readany(self) -> bytes:
        """The next bytes, empty at the end."""

    def at_eof(self) -> bool:
        """Whether all has been read."""


class SentBody(Protocol):
    """A body as one attempt takes it. length: in bytes, None where only its end will tell."""

    @property
    def length(self) -> int | None: ...

    @property
    def parts(self) -> Sequence[Piece] | None:
        """All of it where it is in memory, else None."""

    def pieces(self) -> AsyncIterator[Piece]:
        """The body piece by piece, from its beginning."""


class RequestBody(SentBody, Protocol):
    """A call's body. facts: what it says of model, stream and account; kept: whether it can be sent again;
    size_bytes: as far as it has come."""

    facts: BodyFacts
    kept: bool

    @property
    def size_bytes(self) -> int: ...

    async def changed(self, change: BodyChange) -> SentBody:
        """The same body with a change in it, each other byte as it is."""

    def release(self) -> None:
        """Let it go: nothing will be sent again. Safe to call twice."""


def reader_for(coding: bytes | None, limit_bytes: int) -> RequestReader:
    """A reader for a body of this content-encoding; limit_bytes: of one body, by the policy."""
    return RequestReader(coding, max(limit_bytes, _API_TAKES_BYTES))


async def read_into(reader: RequestReader, piece: bytes) -> None:
    """Read a piece for its facts; a small piece that unfolds to much doesn't hold up other calls."""
    while reader.feed(piece):
        piece = b""
        await clock.sleep(0)

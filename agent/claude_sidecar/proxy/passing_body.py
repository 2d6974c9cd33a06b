"""A request's body that is sent once, as it comes: nothing of it is kept."""

from collections.abc import AsyncIterator

from claude_sidecar import clock
from claude_sidecar.providers.provider import BodyChange
from claude_sidecar.proxy.edited_body import RecodedBody, SplicedBody
from claude_sidecar.proxy.gateway_errors import GatewayError, Refused
from claude_sidecar.proxy.request_body import (
    BodySource,
    BodyTooLarge,
    SentBody,
    read_into,
    reader_for,
)
from claude_sidecar.wire.content_coding import is_coded
from claude_sidecar.wire.request_peek import NO_FACTS, places_of
from claude_sidecar.wire.request_reader import RequestReader

LOOKED_AT_BYTES = 1 << 20
"""Facts are looked for in so much of a body that is not kept."""

_FACTS = ("model", "stream")


class PassingBody:
    """A body on its way from the caller to the upstream. size_bytes: so much has come."""

    kept = False
    parts = None

    def __init__(self, source: BodySource, declared_bytes: int | None) -> None:
        """declared_bytes: its content-length."""
        self._source = source
        self.length = declared_bytes
        self.size_bytes = 0
        self.facts = NO_FACTS
        self._begun: list[bytes] = []
        self._coding: bytes | None = None
        self._limit_bytes: int | None = None
        self._reader: RequestReader | None = None
        self._facts_seen = 0

    async def look_at(self, coding: bytes | None, limit_bytes: int) -> None:
        """Read its first MiB for its facts.

        coding: its content-encoding; limit_bytes: of the body. Raises BodyTooLarge, and Refused where the
        model is not in it.
        """
        if self.length is not None and self.length > limit_bytes:
            raise BodyTooLarge(self.length)
        self._coding, self._limit_bytes = coding if is_coded(coding) else None, limit_bytes
        reader = self._reader = reader_for(coding, limit_bytes)
        while not _looked_enough(reader, self.size_bytes) and (piece := await self._next()):
            self._begun.append(piece)
            while reader.feed(piece, LOOKED_AT_BYTES - reader.plain_bytes) and not _looked_enough(reader):
                piece = b""
                await clock.sleep(0)
        self._facts_seen = len(self._seen())
        whole = reader.ended or (self._source.at_eof() and not _looked_enough(reader))
        self.facts = reader.facts(begun=not whole)
        if not (whole or reader.unreadable or places_of(reader.members, "model")):
            raise _too_late("model")

    async def pieces(self) -> AsyncIterator[bytes]:
        """What has come and what is coming, only once. Raises Refused where a fact comes too late."""
        await self._read_on(b"")
        for piece in self._begun:
            yield piece
        self._begun.clear()
        while piece := await self._next():
            await self._read_on(piece)
            yield piece

    async def changed(self, change: BodyChange) -> SentBody:
        """The body with a change in it."""
        assert self._reader is not None  # of a body that was not looked at nothing is known to be changed
        edits = change.edits(self._reader.members)
        return SplicedBody(self, edits) if self._coding is None else RecodedBody(self, edits, self._coding)

    def release(self) -> None:
        """Let go of what has come."""
        self._begun.clear()
        self._reader = None

    async def _next(self) -> bytes:
        piece = await self._source.readany()
        self.size_bytes += len(piece)
        if self._limit_bytes is not None and self.size_bytes > self._limit_bytes:
            raise BodyTooLarge(self.size_bytes)
        return piece

    async def _read_on(self, piece: bytes) -> None:
        """Behind its first MiB a body may repeat a fact, or give it only now: it has been sent otherwise."""
        reader = self._reader
        if reader is None:
            return
        await read_into(reader, piece)
        late = self._seen()[self._facts_seen :]
        if late:
            raise _too_late(late[0])

    def _seen(self) -> list[str]:
        members = self._reader.members if self._reader is not None else ()
        return [member.name for member in members if member.name in _FACTS]


def _looked_enough(reader: RequestReader, size_bytes: int = 0) -> bool:
    """size_bytes: with its coding, which may hold nothing for long."""
    return reader.unreadable or max(reader.plain_bytes, size_bytes) >= LOOKED_AT_BYTES


def _too_late(name: str) -> Refused:
    return Refused(
        GatewayError.BUSY,
        f"the body's `{name}` is not in its first MiB, where it is looked for, since the policy keeps no "
        "bodies (limits.maxBufferedMiB and limits.spoolMiB are 0). Write `model` and `stream` before "
        "`messages`, or give bodies room",
        closes=True,
    )

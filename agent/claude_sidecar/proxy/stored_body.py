"""A request's body kept whole, so that it can be sent again."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Protocol

from claude_sidecar.providers.provider import BodyChange
from claude_sidecar.proxy.body_store import BodyStore
from claude_sidecar.proxy.buffer_space import MEMORY_BYTES, BodyRoom, NoRoom
from claude_sidecar.proxy.edited_body import RecodedBody, SplicedBody
from claude_sidecar.proxy.gateway_errors import GatewayError, Refused
from claude_sidecar.proxy.request_body import (
    BodySource,
    BodyTooLarge,
    SentBody,
    read_into,
    reader_for,
)
from claude_sidecar.wire.body_scanner import Member
from claude_sidecar.wire.content_coding import is_coded
from claude_sidecar.wire.request_peek import NO_FACTS, peek, scan
from claude_sidecar.wire.request_reader import RequestReader
from claude_sidecar.wire.splice import Piece


class StoredBody:
    """A whole body, in memory or in an unlinked file."""

    kept = True

    def __init__(self, store: BodyStore, coding: bytes | None) -> None:
        """coding: the body's content-encoding."""
        self._store = store
        self._coding = coding if coding is not None and is_coded(coding) else None
        self._members: Sequence[Member] | None = None
        self._changed: dict[BodyChange, SentBody] = {}
        self.facts = NO_FACTS

    @property
    def size_bytes(self) -> int:
        """As it came; nothing once it was released."""
        return self._store.size_bytes

    length = size_bytes

    @property
    def parts(self) -> Sequence[Piece] | None:
        """All of it where it is in memory."""
        return None if self._store.spooled else (self._store.in_memory(),)

    def pieces(self) -> AsyncIterator[bytes]:
        """From the beginning, each time anew."""
        return self._store.pieces()

    def read_all(self) -> bytes:
        """The whole body in memory, for what needs it there at once."""
        return self._store.read_all()

    async def read_facts(self, reader: RequestReader | None, limit_bytes: int) -> None:
        """Take the facts from a reader that has read along, else read the body now.

        limit_bytes: of one body, by the policy.
        """
        if reader is None and not self._store.spooled and self._coding is None:
            self.facts = peek(self._store.in_memory()) if self.size_bytes else NO_FACTS
            return
        if reader is None:
            reader = reader_for(self._coding, limit_bytes)
            async for piece in self._store.pieces():
                await read_into(reader, piece)
        self.facts, self._members = reader.facts(), reader.members

    async def changed(self, change: BodyChange) -> SentBody:
        """The body with a change, made once a change."""
        body = self._changed.get(change)
        if body is None:
            body = self._changed[change] = await self._change(change)
        return body

    async def _change(self, change: BodyChange) -> SentBody:
        if self._members is None:
            self._members = scan(self._store.in_memory()).members
        edits = change.edits(self._members)
        if not edits:
            words = "the body repeats a field too often, or nests too deep, for its model to be replaced"
            raise Refused(GatewayError.BAD_REQUEST, words)
        if self._coding is None:
            return SplicedBody(self, edits)
        recoded = RecodedBody(self, edits, self._coding)
        store = BodyStore(self._store.room)
        try:
            async for piece in recoded.pieces():
                if not store.add(piece):
                    # Without room for a second body it is coded anew for each attempt, of a length unknown.
                    store.release()
                    return recoded
        except BaseException:
            store.release()
            raise
        return StoredBody(store, self._coding)

    def release(self) -> None:
        """Give the room back; safe to call twice."""
        for body in self._changed.values():
            if isinstance(body, StoredBody):
                body.release()
        self._changed.clear()
        self._store.release()


class WholeSource(Protocol):
    """A body that has come whole."""

    def read_nowait(self) -> bytes:
        """All of it."""


def whole_body(source: WholeSource, size_bytes: int | None, room: BodyRoom) -> StoredBody | None:
    """A small body of which nothing is waited for: so most of them come. None where it takes `store_body`.

    size_bytes: its content-length. Raises what the source does.
    """
    if size_bytes is None or size_bytes > MEMORY_BYTES or not room.take_memory(size_bytes):
        return None
    try:
        whole = source.read_nowait()
    except BaseException:
        room.give_back(size_bytes, 0)
        raise
    body = StoredBody(BodyStore(room, whole), None)
    if whole:
        body.facts = peek(whole)
    return body


async def store_body(
    source: BodySource,
    declared_bytes: int | None,
    coding: bytes | None,
    room: BodyRoom,
    *,
    limit_bytes: int,
    wait_by_s: float,
) -> StoredBody:
    """Read a body and keep it, waiting for room where there is none.

    declared_bytes: its content-length; coding: its content-encoding; limit_bytes: of one body;
    wait_by_s: on the loop's clock. Raises BodyTooLarge and NoRoom as soon as that is known.
    """
    if declared_bytes is not None and declared_bytes > limit_bytes:
        raise BodyTooLarge(declared_bytes)
    store = BodyStore(room)
    body = StoredBody(store, coding)
    if declared_bytes == 0 or source.at_eof():
        return body
    try:
        if declared_bytes is not None and not room.could_ever_hold(declared_bytes):
            raise NoRoom("limits.maxBufferedMiB and limits.spoolMiB leave no room for a body of this size", 0)
        reserve = partial(store.reserve, declared_bytes or 0)
        if not reserve():
            await room.wait_until(reserve, wait_by_s, lambda: store.trouble)
        reader = await _keep_all(source, store, coding, limit_bytes, wait_by_s)
        await body.read_facts(reader, limit_bytes)
    except BaseException:
        store.release()
        raise
    return body


async def _keep_all(
    source: BodySource, store: BodyStore, coding: bytes | None, limit_bytes: int, wait_by_s: float
) -> RequestReader | None:
    """Keep all that comes; a body that goes to a file is read for its facts on the way."""
    reader: RequestReader | None = None
    while piece := await source.readany():
        if store.size_bytes + len(piece) > limit_bytes:
            raise BodyTooLarge(store.size_bytes + len(piece))
        if not store.add(piece):
            await store.room.wait_until(partial(store.add, piece), wait_by_s, lambda: store.trouble)
        if reader is not None:
            await read_into(reader, piece)
        elif store.spooled:
            reader = reader_for(coding, limit_bytes)
            async for kept in store.pieces():
                await read_into(reader, kept)
    return reader

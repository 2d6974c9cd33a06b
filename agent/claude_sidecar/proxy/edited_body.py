"""A body with edits in it, written from where it lies."""

from collections.abc import AsyncIterator, Sequence

from claude_sidecar import clock
from claude_sidecar.proxy.gateway_errors import GatewayError, Refused
from claude_sidecar.proxy.request_body import SentBody
from claude_sidecar.wire.content_coding import CodingBroken, Decoder, encoder
from claude_sidecar.wire.splice import Edit, Piece, Splicer, growth_bytes

_STEP_BYTES = 64 << 10


class SplicedBody:
    """Edits made in the body as it stands."""

    def __init__(self, body: SentBody, edits: Sequence[Edit]) -> None:
        self._body = body
        self._edits = edits

    @property
    def length(self) -> int | None:
        """None where the body's own is not known."""
        length = self._body.length
        return length + growth_bytes(self._edits) if length is not None else None

    @property
    def parts(self) -> list[Piece] | None:
        """Views on the body where it is in memory, with the edits between them."""
        whole = self._body.parts
        if whole is None:
            return None
        splicer = Splicer(self._edits)
        return [part for piece in whole for part in splicer.feed(piece)]

    async def pieces(self) -> AsyncIterator[Piece]:
        """As the body itself comes."""
        splicer = Splicer(self._edits)
        async for piece in self._body.pieces():
            for part in splicer.feed(piece):
                yield part


class RecodedBody:
    """A body with edits made through its content coding; how long it is shows only at its end."""

    length = None
    parts = None

    def __init__(self, body: SentBody, edits: Sequence[Edit], coding: bytes) -> None:
        self._body = body
        self._edits = edits
        self._coding = coding

    async def pieces(self) -> AsyncIterator[bytes]:
        """Coded anew, in steps between which other calls have their turn."""
        decoder, changed, coder = Decoder(self._coding), Splicer(self._edits), encoder(self._coding)
        async for piece in self._body.pieces():
            plain = _decoded(decoder, bytes(piece))
            while plain or decoder.waiting:
                out = b"".join(coder.encode(bytes(part)) for part in changed.feed(plain))
                if out:
                    yield out
                await clock.sleep(0)
                plain = _decoded(decoder, b"")
        if not (decoder.at_end or decoder.surplus):
            raise _broken()
        yield coder.finish()


def _decoded(decoder: Decoder, data: bytes) -> bytes:
    try:
        return decoder.feed(data, _STEP_BYTES)
    except CodingBroken:
        raise _broken() from None


def _broken() -> Refused:
    """Only a body that passes can break here: a stored one has been read to its end."""
    return Refused(
        GatewayError.BAD_REQUEST, "the body is not what its content-encoding announces", closes=True
    )

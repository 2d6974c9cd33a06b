"""The body of a played call: what it says is known, and its bytes are not needed."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from claude_sidecar.providers.provider import BodyChange
from claude_sidecar.replay.load import AskedCall
from claude_sidecar.wire.body_scanner import Member
from claude_sidecar.wire.request_peek import BodyFacts
from claude_sidecar.wire.splice import Piece

_MODEL_AT = 9
"""Behind `{"model":`."""


class AskedBody:
    """A request's body, as RequestBody. call: whose it is; model: as the route is asked for it."""

    kept = True
    size_bytes = 0
    length = 0
    parts: Sequence[Piece] = ()

    def __init__(self, call: AskedCall, model: str | None) -> None:
        self.call = call
        self.model = model
        self.facts = BodyFacts(call.model, call.stream, account_bound=call.account_bound)

    async def pieces(self) -> AsyncIterator[Piece]:
        """None."""
        for piece in self.parts:
            yield piece

    async def changed(self, change: BodyChange) -> "AskedBody":
        """The same call, for the model that the change writes in the place of the caller's."""
        model = self.call.model
        place = Member("model", 1, _MODEL_AT, _MODEL_AT + len(model or "") + 2, model)
        for edit in change.edits([place]):
            if edit.start == place.start:
                return AskedBody(self.call, msgspec.json.decode(edit.new))
        return self

    def release(self) -> None:
        """Nothing is held."""

"""Another name for the model, written in the place of the body's own."""

from collections.abc import Sequence

import msgspec

from claude_sidecar.wire.body_scanner import Member
from claude_sidecar.wire.request_peek import places_of
from claude_sidecar.wire.splice import Edit


class Rename(msgspec.Struct, frozen=True):
    """A route calls the model otherwise, or a substitution is named."""

    model: str

    def edits(self, members: Sequence[Member]) -> list[Edit]:
        """One for each `model` that the body gives."""
        name = msgspec.json.encode(self.model)
        return [Edit(place.start, place.end, name) for place in places_of(members, "model")]

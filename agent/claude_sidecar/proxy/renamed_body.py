"""A body with another model's name in it: a route calls the model otherwise, or a substitution is named."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.stored_body import StoredBody
from claude_sidecar.wire.request_peek import replace_model


@dataclass(frozen=True, slots=True)
class BytesBody:
    """A body in memory."""

    whole: bytes

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it."""
        yield self.whole


def renamed_body(context: CallContext, model: str) -> BytesBody | None:
    """The call's body with `model` as its model; None where that can't be done byte for byte."""
    asked = context.body_facts.model
    if asked is None or not isinstance(context.body, StoredBody):
        return None
    changed = replace_model(context.body.read_all(), asked, model)
    return BytesBody(changed) if changed is not None else None

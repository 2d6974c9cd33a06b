"""Token counts as the API reports them, in raw parts (docs/claude-api-notes.md, "Usage")."""

import msgspec


class TokenUsage(msgspec.Struct, frozen=True):
    """Raw usage of one answer; None where the API said nothing.

    `input_tokens` leaves the cached parts out, as the API's own field does.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None

    def total_input(self) -> int | None:
        """Whole input, as OpenTelemetry GenAI v1.41.1 wants `gen_ai.usage.input_tokens`."""
        if self.input_tokens is None:
            return None
        return (
            self.input_tokens + (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)
        )


NO_USAGE = TokenUsage()

"""The list that `/requests` gives, as far as a replay reads it."""

from typing import Annotated

import msgspec

Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e8)]
Tokens = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Name = Annotated[str, msgspec.Meta(max_length=300, pattern=r"(?i)^(?!.*sk-ant)")]
"""Names are told again, so a key in the place of one is refused; `/requests` has none."""


class UsageEntry(msgspec.Struct, frozen=True, rename="camel"):
    """Tokens of one attempt, as its response told them."""

    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None
    cache_creation_1h_input_tokens: Tokens | None = msgspec.field(
        name="cacheCreation1hInputTokens", default=None
    )
    web_search_requests: Tokens | None = None
    apart_tokens: Tokens | None = None

    def as_told(self, *, output: bool) -> dict[str, object]:
        """As the API writes it; output: whether the output's number is told already."""
        told: dict[str, object] = {
            "input_tokens": self.input_tokens or 0,
            "cache_read_input_tokens": self.cache_read_input_tokens or 0,
            "cache_creation_input_tokens": self.cache_creation_input_tokens or 0,
            "cache_creation": {"ephemeral_1h_input_tokens": self.cache_creation_1h_input_tokens or 0},
            "server_tool_use": {"web_search_requests": self.web_search_requests or 0},
            "iterations": [{"type": "compaction", "input_tokens": self.apart_tokens or 0}],
        }
        return {**told, "output_tokens": self.output_tokens or 0} if output else told


class AttemptEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One attempt of a call."""

    route: Name
    at_ms: Milliseconds
    duration_ms: Milliseconds
    model: Name | None = None
    first_byte_ms: Milliseconds | None = None
    status: Annotated[int, msgspec.Meta(ge=100, le=599)] | None = None
    cause: Name | None = None
    error_type: Name | None = None
    cancelled: bool = False
    retry_after_seconds: Seconds | msgspec.UnsetType | None = msgspec.UNSET
    """Unset in a list of a sidecar that is too old to tell."""

    should_retry: bool | None = None
    cut_after_seconds: Seconds | None = None
    reused_connection_died: bool = False
    response_model: Name | None = None
    usage: UsageEntry = UsageEntry()

    @property
    def retry_after_s(self) -> float | None:
        """How long the response asked to be left alone, None where it did not, or that is not told."""
        told = self.retry_after_seconds
        return None if isinstance(told, msgspec.UnsetType) else told


class CallEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One call."""

    started_at: Annotated[str, msgspec.Meta(max_length=64)]
    duration_ms: Milliseconds
    policy: Name
    policy_hash: Name
    attempts: Annotated[list[AttemptEntry], msgspec.Meta(max_length=64)]
    operation: Name | None = None
    model: Name | None = None
    stream: bool = False
    status: int | None = None
    cause: Name | None = None
    error_type: Name | None = None
    sdk_retry_count: int = 0
    sdk_timeout_seconds: Seconds | None = None
    account_bound: bool = False
    cancelled: bool = False
    interrupted: bool = False
    commit_reason: Name | None = None

    @property
    def answered(self) -> bool:
        """Whether the app got what it asked for."""
        return not self.cancelled and not self.interrupted and self.cause is None and self.status is not None

"""Usage, model, id and stop reason of a response, from its JSON body or its stream's few telling events.

Where they stand: docs/claude-api-notes.md, "Usage".
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from claude_sidecar.wire.sse import event_data


class TokenUsage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Raw usage of one response; None where the API said nothing.

    `input_tokens` leaves the cached parts out, as the API's own field does.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation_1h_input_tokens: int | None = None
    """Of `cache_creation_input_tokens`: what was written for an hour, which is priced apart."""
    thinking_tokens: int | None = None
    """Of `output_tokens`."""
    web_search_requests: int | None = None
    web_fetch_requests: int | None = None
    apart_tokens: int | None = None
    """Tokens that none of these counts has in it: of a compaction, or of an advisor, another model."""

    def total_input(self) -> int | None:
        """Whole input, as OpenTelemetry GenAI v1.41.1 wants `gen_ai.usage.input_tokens`."""
        if self.input_tokens is None:
            return None
        return (
            self.input_tokens + (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)
        )


NO_USAGE = TokenUsage()


_T = TypeVar("_T")


@dataclass(slots=True)
class ResponseMetadata:
    """What is known of a response so far; None where nothing was said."""

    usage: TokenUsage = NO_USAGE
    model: str | None = None
    message_id: str | None = None
    stop_reason: str | None = None

    def read_event(self, kind: bytes, event: bytes) -> None:
        """Take the facts of a `message_start` or `message_delta` event; others tell nothing."""
        if kind == b"message_start":
            started = _decode(_start_decoder, event_data(event))
            if started is not None:
                self._take(started.message)
        elif kind == b"message_delta":
            changed = _decode(_delta_decoder, event_data(event))
            if changed is not None:
                self._take_usage(changed.usage)
                if changed.delta is not None:
                    self.stop_reason = _text(changed.delta.stop_reason) or self.stop_reason

    def read_body(self, body: bytes) -> None:
        """Take the facts of a whole JSON response (also of `count_tokens`, which tells no usage)."""
        message = _decode(_message_decoder, body)
        if message is not None:
            self._take(message)

    def _take(self, message: "_Message") -> None:
        self.model = _text(message.model) or self.model
        self.message_id = _text(message.id) or self.message_id
        self.stop_reason = _text(message.stop_reason) or self.stop_reason
        self._take_usage(message.usage)

    def _take_usage(self, said: "_Usage | None") -> None:
        """Counts in `message_delta` are cumulative: the last that is said holds, nothing is added."""
        if said is None:
            return
        known, split, tools = self.usage, said.cache_creation, said.server_tool_use
        details = said.output_tokens_details
        self.usage = TokenUsage(
            _count(said.input_tokens, known.input_tokens),
            _count(said.output_tokens, known.output_tokens),
            _count(said.cache_read_input_tokens, known.cache_read_input_tokens),
            _count(said.cache_creation_input_tokens, known.cache_creation_input_tokens),
            _part(split, "ephemeral_1h_input_tokens", known.cache_creation_1h_input_tokens),
            _part(details, "thinking_tokens", known.thinking_tokens),
            _part(tools, "web_search_requests", known.web_search_requests),
            _part(tools, "web_fetch_requests", known.web_fetch_requests),
            _apart(said.iterations, known.apart_tokens) if said.iterations else known.apart_tokens,
        )


class _Usage(msgspec.Struct):
    input_tokens: Any = None
    output_tokens: Any = None
    cache_read_input_tokens: Any = None
    cache_creation_input_tokens: Any = None
    cache_creation: Any = None
    output_tokens_details: Any = None
    server_tool_use: Any = None
    iterations: Any = None


class _Message(msgspec.Struct):
    model: Any = None
    id: Any = None
    stop_reason: Any = None
    usage: _Usage | None = None


class _Start(msgspec.Struct):
    message: _Message


class _DeltaBody(msgspec.Struct):
    stop_reason: Any = None


class _Delta(msgspec.Struct):
    delta: _DeltaBody | None = None
    usage: _Usage | None = None


_message_decoder = msgspec.json.Decoder(_Message)
_start_decoder = msgspec.json.Decoder(_Start)
_delta_decoder = msgspec.json.Decoder(_Delta)


def _decode(decoder: "msgspec.json.Decoder[_T]", data: bytes) -> _T | None:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


_MOST = 10**12
"""More than any response has; a larger number would be no exact one in a metric, nor fit into a span."""


def _count(said: object, known: int | None) -> int | None:
    return said if type(said) is int and 0 <= said <= _MOST else known


def _part(said: object, name: str, known: int | None) -> int | None:
    return _count(said.get(name), known) if isinstance(said, dict) else known


_APART = frozenset({"compaction", "advisor_message"})
_COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def _apart(said: object, known: int | None) -> int | None:
    """All tokens of those iterations that the counts of the whole leave out."""
    if not isinstance(said, list):
        return known
    parts = [each for each in said if isinstance(each, dict) and each.get("type") in _APART]
    return _count(sum(_part(part, name, 0) or 0 for part in parts for name in _COUNTS), known)


def _text(said: object) -> str | None:
    return said if isinstance(said, str) and len(said) <= 256 else None

"""What an endpoint answers, before it is put on the wire: a body, or a stream of events or lines."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from claude_sidecar.simulator.errors import compact

HeaderList = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens that an answer, or an event of it, reports, and the requests of server tools.

    *cache_creation_1h_input_tokens* is a part of *cache_creation_input_tokens*, *thinking_tokens* of
    *output_tokens*.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_1h_input_tokens: int = 0
    thinking_tokens: int = 0
    web_search_requests: int = 0
    web_fetch_requests: int = 0


@dataclass(slots=True)
class Body:
    """A body of known length. *wait_s* passes before the head; *usage* is what the body reports."""

    data: bytes
    content_type: str | None = "application/json"
    status: int = 200
    headers: HeaderList = field(default_factory=list)
    wait_s: float = 0.0
    usage: Usage | None = None
    error_type: str | None = None
    error_code: str | None = None
    message: str | None = None
    close: bool = False

    @classmethod
    def json(cls, value: object, status: int = 200) -> "Body":
        """A JSON body."""
        return cls(compact(value), status=status)


@dataclass(frozen=True, slots=True)
class Event:
    """One SSE event: its bytes, the output tokens that are paced before it, the usage that it reports."""

    data: bytes
    tokens: int = 0
    usage: Usage | None = None
    produced: int = 0


@dataclass(slots=True)
class EventStream:
    """An SSE answer; *wait_s* passes before the head, *token_s* before each output token."""

    events: list[Event]
    headers: HeaderList = field(default_factory=list)
    wait_s: float = 0.0
    token_s: float = 0.0
    ping_every_s: float = 0.0


@dataclass(slots=True)
class Lines:
    """A chunked answer of unknown length, such as batch results."""

    lines: Iterable[bytes]
    content_type: str
    headers: HeaderList = field(default_factory=list)


Answer = Body | EventStream | Lines


def event(name: str, data: object) -> bytes:
    """An SSE event on the wire."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), compact(data))


PING = event("ping", {"type": "ping"})

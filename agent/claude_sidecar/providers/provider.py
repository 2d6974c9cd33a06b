"""What a route's provider decides: all that differs between providers, and nothing else.

A provider is a value without state. It is asked in this order:

1. `secret`: what a credential's text is, whenever it is read.
2. `serves`: whether it can do what a request asks for. A route whose provider cannot is no candidate.
3. `body_change`, `target`, `header_changes`: how one attempt's request differs from the caller's. Hop-by-hop
   lines, `Host`, framing, content coding and tracing are the same for all and written by the proxy.
4. `response_lines`, `framer`, `rewriting`: how a response becomes one of the Claude API, which is what the
   app and the rest of the sidecar read: its events, its envelope of errors, its header names.
5. `failure`, `retry_hints`: what a failed response says.
6. `names_limits`, `limits`: what any response says of rate limits.

To add a provider: a module here with a class, a row in `registry.py`, and one in `schema/routes.py:
ProviderName`, its name with its default endpoint. What differs little from the Claude API derives from
`Anthropic` and says what differs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from claude_sidecar.causes import Cause
from claude_sidecar.policy.outcome import RetryHints
from claude_sidecar.policy.rate_limits import Limit, RateLimits
from claude_sidecar.policy.request_facts import Asked
from claude_sidecar.providers.secret import Secret
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.wire.body_scanner import Member
from claude_sidecar.wire.call import Call
from claude_sidecar.wire.error_body import ErrorBody
from claude_sidecar.wire.headers import HeaderIndex, HeaderLines
from claude_sidecar.wire.request_peek import BodyFacts
from claude_sidecar.wire.splice import Edit


class Outgoing(msgspec.Struct, frozen=True):
    """One attempt's request, before it is written."""

    call: Call
    """The caller's."""

    body: BodyFacts
    """What its body says."""

    route: Route
    """Where it goes."""

    model: str | None
    """What the route is asked for, None where the body names no model."""

    secret: Secret | None
    """The route's own credential, None where the caller's is forwarded."""


class HeaderChanges(msgspec.Struct, frozen=True):
    """What becomes of the caller's header lines. Names are in lower case."""

    dropped: frozenset[bytes] = frozenset()
    """Lines that do not go on."""

    rewritten: Mapping[bytes, Callable[[bytes], bytes]] = {}
    """New values by name; a line that becomes empty does not go on."""

    added: HeaderLines = ()
    """Lines behind the caller's."""

    credential_headers: tuple[str, ...] = ()
    """Names of those added lines that carry the route's own credential."""

    def __repr__(self) -> str:
        """Without values, one of which may be a credential."""
        names = [name for name, _ in self.added]
        return f"HeaderChanges(dropped={self.dropped}, rewritten={[*self.rewritten]}, added={names})"


class BodyChange(Protocol):
    """What is to be changed in a body. A kept body is changed once for all that are equal."""

    def __hash__(self) -> int: ...

    def edits(self, members: Sequence[Member]) -> list[Edit]:
        """The change by place, in order; none where the body has no place for it, and can't be sent so.

        members: at the top level of the body.
        """


class Framer(Protocol):
    """Takes a response's bytes as they come, gives back whole server-sent events.

    Its events are the Claude API's, whatever the provider's framing was. Any chunking gives the same events.
    Of a content-coded response it gets a decoded copy and the coded bytes go on, so what it translates must
    not be coded: none is asked for where a stream is.
    """

    mid_event: bool
    """Pieces of an event have been given whose end has not come."""

    def feed(self, data: bytes) -> list[bytes]:
        """Events that are complete now, each with its blank line; of one too long to be held, pieces."""

    def passes(self, data: bytes) -> bool:
        """Take one whole event that comes by itself and may go on as it is; else False, and nothing taken.

        Most events of the Claude API come so. Who translates always says False.
        """

    def rest(self) -> bytes:
        """What has come of an event that is not complete."""

    @property
    def is_under_way(self) -> bool:
        """Whether an event has begun to come that is no ping."""


class Rewriting(Protocol):
    """A response's body that must be whole to be rewritten."""

    @property
    def most_bytes(self) -> int:
        """A longer body goes on as it is."""

    def rewritten(self, lines: HeaderLines, body: bytes) -> tuple[HeaderLines, bytes] | None:
        """Header lines and body as the app gets them, None for as they are."""


class Failure(msgspec.Struct, frozen=True):
    """What a failed response says."""

    status: int
    """As the Claude API would have it: the app gets it, and SDKs go by it."""

    cause: Cause
    error: ErrorBody | None
    """Type, code and message, None where the body tells of no error."""

    limit: Limit | None = None
    """Of a 429: which limit was hit."""


class Provider(Protocol):
    """Whose API a route speaks."""

    name: str
    """As OpenTelemetry's `gen_ai.provider.name` has it."""

    def secret(self, text: str) -> Secret:
        """What a credential that was read as text is here.

        text: printable ASCII.
        """

    def serves(self, asked: Asked) -> bool:
        """Whether it can do what a request asks for, its model apart."""

    def body_change(self, outgoing: Outgoing) -> BodyChange | None:
        """What differs in the body, None for nothing, as in a body of which no model is known: not all are
        read."""

    def target(self, outgoing: Outgoing) -> str:
        """Path and query, in ASCII."""

    def header_changes(self, outgoing: Outgoing) -> HeaderChanges:
        """What differs in the header, credential included."""

    def response_lines(self, lines: HeaderLines) -> HeaderLines:
        """Header lines of a response as the Claude API would have sent them."""

    def framer(self, index: HeaderIndex) -> Framer | None:
        """What cuts a response into events, None where it is no stream of events.

        index: of the header lines as they came.
        """

    def rewriting(self, call: Call, route: Route, status: int) -> Rewriting | None:
        """What needs a response's body whole, None for nothing."""

    def failure(self, status: int, lines: HeaderLines, body: bytes) -> Failure:
        """What a response of 400 or more says; body: without content coding, empty where it can't be read."""

    def retry_hints(self, status: int, lines: HeaderLines, unix_s: float) -> RetryHints:
        """What a response says about trying again; unix_s: wall time here."""

    def names_limits(self, index: HeaderIndex) -> bool:
        """Whether a response names any rate limit in words that can be read."""

    def limits(self, lines: HeaderLines, unix_s: float) -> RateLimits:
        """The rate limits that a response names; unix_s: wall time when it came."""

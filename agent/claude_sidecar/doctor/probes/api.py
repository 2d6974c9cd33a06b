"""Requests to a route, over the sidecar's own connections: one send each, nothing is repeated."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import msgspec

from claude_sidecar import __version__, clock
from claude_sidecar.doctor.observed import Exchange
from claude_sidecar.providers.provider import Outgoing
from claude_sidecar.providers.registry import PROVIDERS
from claude_sidecar.providers.secret import Secret
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.upstream.failure import ConnectFailed, UpstreamFailure
from claude_sidecar.upstream.failure import TimedOut as UpstreamTimedOut
from claude_sidecar.upstream.transport import Timers, Transport, UpstreamRequest, UpstreamResponse
from claude_sidecar.wire.call import UNREAD, Call
from claude_sidecar.wire.content_coding import decoded, is_coded
from claude_sidecar.wire.credential import find_credentials
from claude_sidecar.wire.headers import HeaderLines, first, index_of, lowered_names, render
from claude_sidecar.wire.request_peek import peek, read_target

LIST_BOUND_S = 8.0
CALL_BOUND_S = 12.0
_TOLD_S = 10
"""What a sidecar on the way is told of our patience, so that it hands on what it has in time."""
_CONNECT_S = 5.0
_MOST_BYTES = 4 << 20

MODELS = "/v1/models?limit=1000"
MESSAGES = "/v1/messages"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ask, and with what.

    called: as findings call it; lines: of the caller, credential included; secret: the route's own
    credential, which then takes the caller's place; whose: how findings call the key.
    """

    called: str
    route: Route
    lines: HeaderLines = field(repr=False)
    secret: Secret | None = field(default=None, repr=False)
    whose: str = "the key"


@dataclass(frozen=True, slots=True)
class Sent:
    """lines: the request's as they went out."""

    lines: HeaderLines = field(repr=False)
    answer: Exchange


class _Body:
    """A request's body, in memory."""

    def __init__(self, data: bytes) -> None:
        self.parts: Sequence[bytes | memoryview] = (data,) if data else ()

    async def pieces(self) -> AsyncIterator[bytes | memoryview]:
        """The body in pieces."""
        for part in self.parts:
            yield part


class Api:
    """Asks over one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def models(self, target: Target) -> Sent:
        """`GET /v1/models`; costs nothing."""
        return await self._ask(target, "GET", MODELS, b"", None, LIST_BOUND_S)

    async def message(self, target: Target, model: str) -> Sent:
        """A call of one output token; model: as the route calls it."""
        body = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "ping"}]}
        return await self._ask(target, "POST", MESSAGES, msgspec.json.encode(body), model, CALL_BOUND_S)

    async def plain(self, route: Route, path: str, bound_s: float, most_bytes: int = _MOST_BYTES) -> Exchange:
        """A GET without a credential. most_bytes: of the answer's body; one that is longer is cut."""
        target = Target(route.name, route, ())
        return (await self._ask(target, "GET", path, b"", None, bound_s, most_bytes)).answer

    async def _ask(
        self,
        target: Target,
        method: str,
        path: str,
        body: bytes,
        model: str | None,
        bound_s: float,
        most_bytes: int = _MOST_BYTES,
    ) -> Sent:
        lines, where = _outgoing(target, method, path, body, model)
        head = render(f"{method} {where} HTTP/1.1".encode("ascii"), lines)
        until = clock.now() + bound_s
        request = UpstreamRequest(
            target.route,
            head,
            _Body(body),
            head_only=False,
            timers=Timers(_CONNECT_S, bound_s, bound_s, until),
            account=hashlib.sha256(head).digest(),
            fresh=True,
            chunked=False,
        )
        try:
            async with asyncio.timeout(bound_s):
                answer = await self._transport.send(request)
                return Sent(lines, await _read(target.route, answer, most_bytes))
        except (TimeoutError, UpstreamTimedOut):
            return Sent(lines, Exchange(trouble=f"nothing within {bound_s:g} s", timed_out=True))
        except ConnectFailed as failed:
            return Sent(lines, Exchange(trouble=str(failed)))
        except UpstreamFailure as failed:
            return Sent(lines, Exchange(trouble=str(failed)))


def _outgoing(
    target: Target, method: str, path: str, body: bytes, model: str | None
) -> tuple[HeaderLines, str]:
    """Header lines and request target, as the route's provider has them."""
    own = [
        (b"host", target.route.authority.encode("ascii")),
        (b"user-agent", f"claude-sidecar-doctor/{__version__}".encode()),
        (b"accept", b"application/json"),
        (b"accept-encoding", b"identity"),
    ]
    if body:
        own += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        own.append((b"x-stainless-timeout", b"%d" % _TOLD_S))
    call = _call(method, path, [*own, *target.lines], body)
    outgoing = Outgoing(call, peek(body), target.route, model, target.secret)
    provider = PROVIDERS[target.route.provider]
    changes = provider.header_changes(outgoing)
    rewritten = [
        (name, changes.rewritten[name](value) if name in changes.rewritten else value)
        for name, value in call.lines
        if name not in changes.dropped
    ]
    return [*((name, value) for name, value in rewritten if value), *changes.added], provider.target(outgoing)


def _call(method: str, path: str, lines: HeaderLines, body: bytes) -> Call:
    return msgspec.structs.replace(
        UNREAD,
        method=method,
        target=path,
        lines=lines,
        names=lowered_names(lines),
        index=index_of(lines),
        facts=read_target(method, path),
        credentials=find_credentials(lines),
        declared_bytes=len(body),
        has_body=bool(body),
    )


async def _read(route: Route, answer: UpstreamResponse, most_bytes: int) -> Exchange:
    """The answer's body, as far as it is bounded; an answer that breaks off is none."""
    parts, size = [], 0
    while size <= most_bytes and (data := await answer.read()):
        parts.append(data)
        size += len(data)
    answer.discard()
    lines = PROVIDERS[route.provider].response_lines(answer.headers)
    body, coding = b"".join(parts), first(answer.headers, b"content-encoding")
    if is_coded(coding):
        body = decoded(body, coding, most_bytes) or b""
    return Exchange(answer.status, lines, body)

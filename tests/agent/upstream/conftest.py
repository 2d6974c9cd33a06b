"""A transport before a scripted upstream."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest
from support.fakes.scripted_upstream import ScriptedUpstream

from claude_sidecar.config.egress import Egress
from claude_sidecar.schema.routes import ProviderName
from claude_sidecar.schema.snapshot import Route
from claude_sidecar.upstream.dial import Dialer
from claude_sidecar.upstream.names import Names
from claude_sidecar.upstream.system_resolver import SystemResolver
from claude_sidecar.upstream.transport import (
    HttpTransport,
    RequestBody,
    Timers,
    UpstreamRequest,
    UpstreamResponse,
)


@dataclass(frozen=True)
class WholeBody:
    """A body in memory."""

    parts: tuple[bytes, ...] = (b"",)

    async def pieces(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part


@dataclass
class Line:
    """Sends heads to one upstream."""

    transport: HttpTransport
    route: Route
    upstream: ScriptedUpstream

    async def send(
        self,
        *,
        method: str = "GET",
        connect_s: float = 5.0,
        first_byte_s: float | None = None,
        idle_s: float | None = None,
        deadline_by: float | None = None,
        account: bytes = b"",
        fresh: bool = False,
        lines: str = "",
        body: RequestBody | None = None,
    ) -> UpstreamResponse:
        return await self.transport.send(
            UpstreamRequest(
                route=self.route,
                head=f"{method} / HTTP/1.1\r\nhost: x\r\n{lines}\r\n".encode(),
                body=body or WholeBody(),
                head_only=method == "HEAD",
                timers=Timers(connect_s, first_byte_s, idle_s, deadline_by),
                account=account,
                fresh=fresh,
                chunked=False,
            )
        )

    async def body(self, answer: UpstreamResponse) -> bytes:
        """All of it; the connection goes back to the pool."""
        read = b""
        while piece := await answer.read():
            read += piece
        answer.close()
        return read


Lined = Callable[[ScriptedUpstream], AbstractAsyncContextManager[Line]]


@pytest.fixture
def lined() -> Lined:
    """`async with lined(upstream) as line:` runs an upstream and a transport towards it."""

    @asynccontextmanager
    async def start(upstream: ScriptedUpstream) -> AsyncIterator[Line]:
        async with upstream.running():
            route = Route("first", "http", "127.0.0.1", upstream.port, "", None, None, ProviderName.ANTHROPIC)
            transport = HttpTransport(Dialer(Egress(), Names(SystemResolver())))
            yield Line(transport, route, upstream)
            transport.close()

    return start

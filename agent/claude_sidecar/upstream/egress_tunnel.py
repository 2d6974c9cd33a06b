"""The CONNECT exchange with an egress proxy (RFC 9110 section 9.3.6)."""

import asyncio
from typing import cast

from claude_sidecar.upstream.failure import ConnectFailed, Phase

_ANSWER_LIMIT_BYTES = 16 << 10


class EgressTunnel(asyncio.Protocol):
    """A connection to an egress proxy until the proxy has connected it further."""

    def __init__(self, loop: asyncio.AbstractEventLoop, called: str) -> None:
        """called: how errors call the proxy."""
        self._called = called
        self._answer = b""
        self._whole: asyncio.Future[bytes | None] = loop.create_future()
        self.transport: asyncio.Transport

    async def connect(self, authority: str, credential: bytes | None) -> None:
        """Ask for a way to `authority`. Raises ConnectFailed.

        credential: as Basic authentication wants it, None for none.
        """
        lines = [f"CONNECT {authority} HTTP/1.1".encode(), f"Host: {authority}".encode()]
        if credential is not None:
            lines.append(b"Proxy-Authorization: Basic " + credential)
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n")
        answer = await self._whole
        if answer is None:
            raise ConnectFailed(Phase.PROXY, f"{self._called} closed the connection")
        status = answer.split(b"\r\n", 1)[0].split(b" ")
        if len(status) < 2 or status[1] != b"200":
            said = status[1].decode("ascii", "replace")[:3] if len(status) > 1 else "no HTTP"
            raise ConnectFailed(Phase.PROXY, f"{self._called} refused CONNECT {authority}: {said}")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._answer += data
        if b"\r\n\r\n" in self._answer or len(self._answer) > _ANSWER_LIMIT_BYTES:
            self._end(self._answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._end(None)

    def _end(self, answer: bytes | None) -> None:
        # A value, not an exception: a dial that was given up would leave it unretrieved.
        if not self._whole.done():
            self._whole.set_result(answer)

"""The CONNECT exchange with an egress proxy (RFC 9110 section 9.3.6)."""

import asyncio
from http import HTTPStatus
from typing import cast

from claude_sidecar.upstream.failure import ConnectFailed, Phase

_ANSWER_LIMIT_BYTES = 16 << 10


_CANNOT_REACH = "the proxy itself does not reach that host: ask who runs it"
_ADVICE = {
    "403": "have the host allowed there, or list it in NO_PROXY if it may be reached directly",
    "405": "it knows no CONNECT: check HTTPS_PROXY",
    "407": "check user and password in HTTPS_PROXY",
    "501": "it knows no CONNECT: check HTTPS_PROXY",
    "502": _CANNOT_REACH,
    "503": _CANNOT_REACH,
    "504": _CANNOT_REACH,
}


def _what_to_do(code: str) -> str:
    """A proxy's answer in words; code: its status, empty where it was no HTTP."""
    if not code:
        return "its answer is no HTTP; check HTTPS_PROXY, whose port may be another service's"
    phrase = next((f" {status.phrase}" for status in HTTPStatus if str(status.value) == code), "")
    advice = _ADVICE.get(code)
    return f"it answered {code}{phrase}" + (f"; {advice}" if advice else "")


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
        code = status[1].decode("ascii", "replace")[:3] if answer.startswith(b"HTTP/") else ""
        # Any 2xx switches to tunnel mode (RFC 9110 section 9.3.6).
        if len(code) != 3 or not code.startswith("2"):
            told = f"{self._called} refused CONNECT {authority}: {_what_to_do(code)}"
            raise ConnectFailed(Phase.PROXY, told)

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

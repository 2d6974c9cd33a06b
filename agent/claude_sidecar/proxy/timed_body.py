"""A request's body as the caller sends it, given up when it stops coming."""

import asyncio

from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestPayloadError

from claude_sidecar import clock
from claude_sidecar.proxy.own_error import OwnError, Refusal

SILENCE_S = 60.0
"""How long a caller may send nothing in the middle of a body."""


class BodyStopped(Exception):
    """The rest of a body did not come."""


class TimedBody:
    """Reads like its source, until it stops coming."""

    def __init__(self, source: StreamReader, deadline_s: float | None) -> None:
        """deadline_s: by when the whole body must be here, on the loop's clock; None for no such time."""
        self._source = source
        self._deadline_s = deadline_s

    async def readany(self) -> bytes:
        """The next bytes, empty at the end. Raises BodyStopped after `SILENCE_S`, and at the deadline."""
        # What is here already needs no timer: that is most bodies, whole.
        data = self._source.read_nowait()
        if data or self._source.at_eof():
            return data
        try:
            async with asyncio.timeout(self._patience_s()):
                return await self._source.readany()
        except TimeoutError:
            raise BodyStopped from None

    def at_eof(self) -> bool:
        """Whether all has been read."""
        return self._source.at_eof()

    def _patience_s(self) -> float:
        if self._deadline_s is None:
            return SILENCE_S
        return min(SILENCE_S, self._deadline_s - clock.now())


def broken_body(broken: RequestPayloadError | BodyStopped) -> Refusal:
    """The answer to a call whose body can't be had."""
    if isinstance(broken, BodyStopped):
        message = "the rest of the body did not come in time; check what the client waits for"
    else:
        message = "the body's framing is broken: it is not what its headers announce"
    return Refusal(OwnError.BAD_REQUEST, message, closes=True)

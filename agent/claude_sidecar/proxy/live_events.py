"""The stream of events that an open page reads: the overview, and calls as they end.

What is sent is made once for all readers, and only while there are any: a page that nobody has open costs
nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from claude_sidecar import clock
from claude_sidecar.proxy import web
from claude_sidecar.proxy.event_reader import EventReader
from claude_sidecar.telemetry.request_list import RequestList

MOST_READERS = 8
_LOOK_S = 1.0
"""How often ended calls are told."""
_LOOKS_PER_OVERVIEW = 5
_LOOKS_PER_PING = 15
"""Of silence: proxies on the way to a page cut connections that keep silent for a minute."""
_MOST_CALLS = 100
"""Of one event; in a burst the newest."""
_PING = b": \n\n"

Json = dict[str, Any]


class LiveEvents:
    """Tells all open pages what happens. most_readers: how many pages may be open."""

    def __init__(self, overview: Callable[[], Json], calls: RequestList) -> None:
        """overview: as it is now."""
        self._overview = overview
        self._calls = calls
        self.most_readers = MOST_READERS
        self._readers: set[EventReader] = set()
        self._telling: asyncio.Task[None] | None = None
        self._draining = False

    def drain(self) -> None:
        """Every stream ends, and no new one begins."""
        self._draining = True
        for reader in self._readers:
            reader.end()

    async def respond(self, request: web.BaseRequest, headers: Mapping[str, str]) -> web.StreamResponse:
        """Tell one page until it goes or the process ends. headers: of the response, besides its type."""
        if self._draining or len(self._readers) >= self.most_readers:
            why = "draining" if self._draining else f"{self.most_readers} pages are open, which is the most"
            return web.Response(status=503, text=f"{why}\n", headers=headers)
        response = web.StreamResponse(headers={**headers, "content-type": "text/event-stream"})
        if request.method == "HEAD":
            return response
        reader = EventReader(request, response)
        self._readers.add(reader)
        if self._telling is None:
            self._telling = asyncio.ensure_future(self._tell())
        try:
            reader.send(_event(b"overview", self._overview()))
            await reader.read_until_end()
        finally:
            self._readers.discard(reader)
            if not self._readers and self._telling is not None:
                self._telling.cancel()
        return response

    async def _tell(self) -> None:
        try:
            await self._tell_while_read()
        finally:
            self._telling = None
            for reader in self._readers:
                reader.end()

    async def _tell_while_read(self) -> None:
        looks, silent = 0, 0
        ended, told = self._calls.ended, _lasting(self._overview())
        while True:
            await clock.sleep(_LOOK_S)
            looks, silent = looks + 1, silent + 1
            if self._calls.ended != ended:
                fresh = min(self._calls.ended - ended, _MOST_CALLS)
                ended, silent = self._calls.ended, 0
                self._send(_event(b"calls", self._calls.describe(fresh)[::-1]))
            if looks % _LOOKS_PER_OVERVIEW == 0:
                overview = self._overview()
                if _lasting(overview) != told:
                    told, silent = _lasting(overview), 0
                    self._send(_event(b"overview", overview))
            if silent >= _LOOKS_PER_PING:
                silent = 0
                self._send(_PING)

    def _send(self, event: bytes) -> None:
        for reader in self._readers:
            reader.send(event)


def _event(name: bytes, value: object) -> bytes:
    return b"event: " + name + b"\ndata: " + msgspec.json.encode(value) + b"\n\n"


def _lasting(overview: Json) -> Json:
    """What stays as it is while nothing happens: without moments, which a clock that is set moves."""
    counts = [{**minute, "at": None} for minute in overview["minutes"]]
    return {**overview, "now": None, "startedAt": None, "minutes": counts}

"""One address for several servers, as a Service is: each connection goes to the next that accepts it."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Iterator

from support.fakes.loopback_server import serving

Address = tuple[str, int]


class Forwarder:
    """Connections are handed on byte for byte. port: where it listens, on 127.0.0.1."""

    def __init__(self, backends: list[Address]) -> None:
        self._backends, self._turn = backends, itertools.count()
        self._loop = asyncio.new_event_loop()
        self.port = 0

    @contextlib.contextmanager
    def running(self) -> Iterator["Forwarder"]:
        """Forward until the end of the block."""
        ready, stop = threading.Event(), asyncio.Event()
        thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(ready, stop),))
        thread.start()
        try:
            assert ready.wait(10)
            yield self
        finally:
            self._loop.call_soon_threadsafe(stop.set)
            thread.join()
            self._loop.close()

    async def _serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        async with serving(self._forward) as self.port:
            ready.set()
            await stop.wait()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            first = next(self._turn)
            for offset in range(len(self._backends)):
                host, port = self._backends[(first + offset) % len(self._backends)]
                try:
                    there, back = await asyncio.open_connection(host, port)
                except OSError:
                    continue
                ends.append(back)
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
                return
        finally:
            for end in ends:
                end.transport.abort()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(65536):
            sink.write(piece)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()

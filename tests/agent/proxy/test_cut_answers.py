"""An answer that breaks off and cannot say so in its body is cut so that its caller sees it."""

import asyncio
import gzip

import pytest
import uvloop
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import Close, ScriptedUpstream, Until
from support.fakes.wire_bytes import LAST_CHUNK, STREAM_HEAD, chunk, message_body, stream_events

EVENTS = b"".join(stream_events())
PACKED = gzip.compress(EVENTS, 0, mtime=0)
GZIP_HEAD = STREAM_HEAD.replace(b"request-id", b"content-encoding: gzip\r\nrequest-id")
JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
LONG = b'{"text":"' + b"y" * (2 << 20)
CUT = {
    "JSON": (JSON_HEAD + chunk(LONG), message_body(), len(LONG)),
    "compressed stream": (GZIP_HEAD + chunk(PACKED[:-200]), message_body(stream=True), 1000),
}
RUN = {"asyncio": asyncio.run, "uvloop": uvloop.run}


async def until_broken(reader: asyncio.StreamReader, enough_bytes: int, enough: asyncio.Event) -> str:
    """How the connection ends, `closed` or `reset`; enough: set once so many bytes have come."""
    read, tail = 0, b""
    try:
        while piece := await reader.read(1 << 16):
            read, tail = read + len(piece), piece[-5:]
            if read > enough_bytes:
                enough.set()
    except ConnectionResetError:
        return "reset"
    assert tail != LAST_CHUNK
    return "closed"


@pytest.mark.parametrize(("version", "ends"), [(b"HTTP/1.0", "reset"), (b"HTTP/1.1", "closed")])
@pytest.mark.parametrize("kind", CUT)
@pytest.mark.parametrize("loop", RUN)
def test_caller_does_not_take_a_cut_body_for_a_whole_one(loop, kind, version, ends, started) -> None:
    """In HTTP/1.0 an orderly close ends a body well; in HTTP/1.1 the last chunk does."""
    head, body, enough_bytes = CUT[kind]

    async def scene() -> None:
        relayed = asyncio.Event()
        upstream = ScriptedUpstream([[head, Until(relayed), Close()]])
        async with started(upstream) as bench, connected(bench.port) as app:
            await app.send(request_bytes(body=body).replace(b"HTTP/1.1", version))
            async with asyncio.timeout(20):
                assert await until_broken(app.reader, enough_bytes, relayed) == ends

    RUN[loop](scene())

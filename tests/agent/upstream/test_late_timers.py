"""A limit that falls due in the very turn of the loop in which it ceases to hold ends nothing."""

import asyncio
import socket
import time

import pytest
import uvloop
from support.fakes.wire_bytes import LAST_CHUNK, chunk

from claude_sidecar.upstream.connection import UpstreamConnection
from claude_sidecar.upstream.sink import Flow

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
LIMIT_S = 0.4
"""Longer than a busy machine takes for what comes before."""

RUN = {"asyncio": asyncio.run, "uvloop": uvloop.run}


async def exchange(listener: socket.socket, limit: str) -> tuple[UpstreamConnection, socket.socket]:
    """A request that has been sent, limited from now on, and the upstream's end of its connection."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: UpstreamConnection(loop), *listener.getsockname())
    limits: dict[str, float | None] = {"first_delta_by": None, "deadline_by": None}
    limits[limit] = loop.time() + LIMIT_S
    connection.begin(head_only=False, first_byte_s=None, idle_s=None, **limits)
    connection.write(b"GET / HTTP/1.1\r\n\r\n")
    connection.request_sent()
    return connection, listener.accept()[0]


async def read_in_time_by_a_loop_that_is_late(
    connection: UpstreamConnection, upstream: socket.socket
) -> None:
    """Bytes come before the limit, and the loop gets to see them after it."""

    def speak_and_hold_the_loop() -> None:
        upstream.sendall(chunk(b"in time"))
        time.sleep(1.1 * LIMIT_S)

    asyncio.get_running_loop().call_soon(speak_and_hold_the_loop)
    assert await connection.read() == b"in time"


@pytest.mark.parametrize("limit", ["first_delta_by", "deadline_by"])
@pytest.mark.parametrize("loop", RUN)
def test_limit_until_the_commit_does_not_end_a_stream_whose_delta_came_in_time(loop, limit) -> None:
    async def scene() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            connection, upstream = await exchange(listener, limit)
            with upstream:
                upstream.sendall(HEAD)
                await connection.head()
                await read_in_time_by_a_loop_that_is_late(connection, upstream)
                connection.commit(5, 5)
                upstream.sendall(chunk(b"stop") + LAST_CHUNK)
                poured: list[bytes] = []
                assert (
                    await connection.pour(lambda data: (poured.append(data), Flow(True, False))[1]) is False
                )
                assert poured == [b"stop"]
            connection.abort()

    RUN[loop](scene())


@pytest.mark.parametrize("loop", RUN)
def test_deadline_that_was_lifted_ends_no_answer_that_had_begun_before(loop) -> None:
    async def scene() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            connection, upstream = await exchange(listener, "deadline_by")
            with upstream:
                upstream.sendall(HEAD)
                await connection.head()
                await read_in_time_by_a_loop_that_is_late(connection, upstream)
                connection.lift_deadline()
                upstream.sendall(chunk(b"more") + LAST_CHUNK)
                assert await connection.read() == b"more"
            connection.abort()

    RUN[loop](scene())

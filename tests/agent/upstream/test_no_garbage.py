"""An exchange leaves nothing behind for the garbage collector, which would cost each call its share of it."""

import asyncio
import gc

from claude_sidecar.upstream.connection import UpstreamConnection


async def test_a_whole_answer_leaves_no_reference_cycle() -> None:
    connection = UpstreamConnection(asyncio.get_running_loop())

    async def exchange() -> bytes:
        connection.begin(head_only=False, first_byte_s=None, deadline_by=None, idle_s=None)
        connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        return await connection.read()

    assert await exchange() == b"ok"
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            await exchange()
        assert gc.collect() == 0
    finally:
        gc.enable()

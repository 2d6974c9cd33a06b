"""What the limit of open files allows."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import Hang, ScriptedUpstream
from support.fakes.wire_bytes import answer, message_body

from claude_sidecar.proxy.open_files import OpenFiles


@given(st.integers(min_value=1, max_value=1 << 20))
def test_calls_fit_within_the_limit_and_one_is_always_allowed(limit: int) -> None:
    files = OpenFiles(limit)
    assert files.calls >= 1
    assert files.connections > files.calls
    assert limit < 128 or files.calls + files.connections + files.admin_connections <= limit - 64


def test_usual_limits_allow_the_default_policy() -> None:
    assert OpenFiles(4096).calls >= 512
    assert OpenFiles(1024).calls == 421


@pytest.mark.looptime
async def test_calls_beyond_what_files_allow_are_told_of_the_limit(started) -> None:
    upstream = ScriptedUpstream(otherwise=[Hang()])
    async with started(upstream, files=OpenFiles(limit=75)) as bench:
        busy = [asyncio.create_task(bench.message()) for _ in range(1)]
        await asyncio.sleep(0.1)
        got = await bench.message()
        error = json.loads(got.body)["error"]
        assert (got.status, error["type"], got.header("x-should-retry")) == (529, "gateway_busy", "true")
        assert "1 calls are in flight: the sidecar may open 75 files" in error["message"]
        assert "ulimit -Hn" in error["message"]
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


@pytest.mark.looptime
async def test_idle_upstream_connections_make_room_where_files_are_spent(started, monkeypatch) -> None:
    """Files seem spent until a connection at rest has been let go."""
    upstream = ScriptedUpstream(otherwise=answer())
    async with started(upstream) as bench:
        assert (await bench.message()).status == 200
        assert upstream.open == 1
        loop = asyncio.get_running_loop()
        connect, tries = loop.sock_connect, []

        async def full(*arguments):
            tries.append(upstream.open)
            if len(tries) == 1:
                raise OSError(24, "Too many open files")
            return await connect(*arguments)

        async with connected(bench.port) as app:
            monkeypatch.setattr(loop, "sock_connect", full)
            monkeypatch.setattr("claude_sidecar.upstream.transport.files_are_spent", lambda: len(tries) == 1)
            await app.send(request_bytes(target="/v1/files", body=message_body()))
            assert (await app.receive()).status == 200
            monkeypatch.undo()
        assert len(tries) == 2
        assert (await bench.admin_json("/requests"))[0]["attempts"][0]["cause"] is None

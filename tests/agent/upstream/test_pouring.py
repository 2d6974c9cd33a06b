"""An answer given to a sink as it comes: in order, with back-pressure, to the end or what broke it."""

import asyncio

import pytest
from support.fakes.scripted_upstream import Endless, Hang, Pause, Reset, ScriptedUpstream
from support.fakes.wire_bytes import LAST_CHUNK, chunk

from claude_sidecar.upstream.failure import ConnectionDied, Phase, TimedOut
from claude_sidecar.upstream.sink import Flow

pytestmark = pytest.mark.looptime

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
THREE = [HEAD + chunk(b"a"), Pause(1), chunk(b"b"), Pause(1), chunk(b"c"), Pause(1)]
ALIVE, PROGRESSED, FULL = Flow(False, False), Flow(True, False), Flow(True, True)


class Bowl:
    """A sink that keeps what it is given, and answers as told; the last answer stays."""

    def __init__(self, *flows: Flow) -> None:
        self.pieces: list[bytes] = []
        self._flows = list(flows)

    def __call__(self, data: bytes) -> Flow:
        self.pieces.append(data)
        return self._flows.pop(0) if len(self._flows) > 1 else self._flows[0]


async def test_sink_gets_each_piece_when_it_comes_and_the_end_is_told(lined) -> None:
    async with lined(ScriptedUpstream([[*THREE, LAST_CHUNK]])) as line:
        answer, bowl = await line.send(), Bowl(PROGRESSED)
        assert await answer.pour(bowl) is False
        assert bowl.pieces == [b"a", b"b", b"c"]
        assert await answer.read() == b""


async def test_full_sink_gets_nothing_until_it_is_asked_for(lined) -> None:
    async with lined(ScriptedUpstream([[*THREE, LAST_CHUNK]])) as line:
        answer, bowl = await line.send(), Bowl(FULL)
        assert await answer.pour(bowl) is True
        await asyncio.sleep(5)
        assert bowl.pieces == [b"a"]
        assert [await answer.pour(bowl), await answer.pour(bowl)] == [True, False]
        assert bowl.pieces == [b"a", b"bc"]


async def test_upstream_is_not_read_while_the_sink_is_full(lined) -> None:
    endless = [HEAD, Endless(chunk(b"x" * 10_000), most_bytes=64 << 20)]
    async with lined(ScriptedUpstream([endless])) as line:
        answer, bowl = await line.send(), Bowl(FULL)
        assert await answer.pour(bowl) is True
        await asyncio.sleep(60)
        assert await answer.pour(bowl) is True
        assert len(bowl.pieces[1]) < 1 << 20
        answer.discard()


async def test_what_a_sink_raises_ends_the_reading(lined) -> None:
    def gone(_: bytes) -> Flow:
        raise ConnectionError("the caller has gone")

    async with lined(ScriptedUpstream([[HEAD, Pause(1), chunk(b"a"), Hang()]])) as line:
        answer = await line.send()
        with pytest.raises(ConnectionError, match="gone"):
            await answer.pour(gone)
        answer.discard()


async def test_sink_gets_what_came_before_the_connection_died(lined) -> None:
    async with lined(ScriptedUpstream([[*THREE, Reset()]])) as line:
        answer, bowl = await line.send(), Bowl(PROGRESSED)
        with pytest.raises(ConnectionDied):
            await answer.pour(bowl)
        assert bowl.pieces == [b"a", b"b", b"c"]


@pytest.mark.parametrize(("flow", "ends_at_s"), [(ALIVE, 4), (PROGRESSED, 6)])
async def test_only_progress_puts_the_end_of_a_stalled_answer_off(flow, ends_at_s, lined) -> None:
    async with lined(ScriptedUpstream([[*THREE, Hang()]])) as line:
        answer = await line.send()
        began = asyncio.get_running_loop().time()
        answer.commit(None, 4)
        with pytest.raises(TimedOut) as failure:
            await answer.pour(Bowl(flow))
        assert failure.value.phase is Phase.STALLED
        assert asyncio.get_running_loop().time() - began == pytest.approx(ends_at_s, abs=0.1)


async def test_reader_that_is_cancelled_leaves_no_sink_behind(lined) -> None:
    async with lined(ScriptedUpstream([[*THREE, LAST_CHUNK]])) as line:
        answer, bowl = await line.send(), Bowl(PROGRESSED)
        pouring = asyncio.ensure_future(answer.pour(bowl))
        await asyncio.sleep(1.5)
        pouring.cancel()
        await asyncio.sleep(5)
        assert bowl.pieces == [b"a", b"b"]
        assert await answer.read() == b"c"

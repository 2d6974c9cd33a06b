"""One send over a pooled connection: how it ends, what it says of the end, what becomes of the connection."""

import asyncio

import pytest
from support.fakes.scripted_upstream import Close, Endless, Hang, Pause, Reset, ScriptedUpstream
from support.fakes.wire_bytes import LAST_CHUNK, answer, chunk

from claude_sidecar.upstream.failure import ConnectFailed, ConnectionDied, Phase, TimedOut, UpstreamFailure

pytestmark = pytest.mark.looptime

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (answer(), True),
        (answer(500), True),
        (CHUNKED + chunk(b"abc") + LAST_CHUNK, True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(), True),
        (answer(lines=[("connection", "close")]), False),
        (answer(lines=[("Connection", "foo, CLOSE")]), False),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", True),
        (answer() + b"x", False),
    ],
)
async def test_connection_is_kept_only_behind_an_answer_that_allows_it(sent, kept, lined) -> None:
    async with lined(ScriptedUpstream(otherwise=sent)) as line:
        for _ in range(2):
            await line.body(await line.send())
        assert [request.connection for request in line.upstream.requests] == ([0, 0] if kept else [0, 1])


async def test_connection_of_an_unfinished_answer_is_closed(lined) -> None:
    async with lined(ScriptedUpstream([[CHUNKED + chunk(b"abc"), Hang()], answer()])) as line:
        first = await line.send()
        assert await first.read() == b"abc"
        first.close()
        await line.body(await line.send())
        assert [request.connection for request in line.upstream.requests] == [0, 1]
        assert line.upstream.open == 1


async def test_fresh_send_takes_no_pooled_connection(lined) -> None:
    async with lined(ScriptedUpstream(otherwise=answer())) as line:
        await line.body(await line.send())
        await line.body(await line.send(fresh=True))
        assert line.upstream.connections == 2


async def test_head_leaves_the_connection_usable(lined) -> None:
    async with lined(ScriptedUpstream([OK + b"content-length: 99\r\n\r\n", answer(200, b"next")])) as line:
        assert await line.body(await line.send(method="HEAD")) == b""
        assert await line.body(await line.send()) == b"next"
        assert line.upstream.connections == 1


@pytest.mark.parametrize("end", [Close(), Reset()])
async def test_death_before_any_byte_is_told_apart_on_a_reused_connection(end, lined) -> None:
    async with lined(ScriptedUpstream([answer(), [end], [end], [OK, end]])) as line:
        await line.body(await line.send())
        for before_any_byte, reused in ((True, True), (True, False), (False, False)):
            with pytest.raises(ConnectionDied) as died:
                await line.body(await line.send())
            assert (died.value.before_any_byte, died.value.reused) == (before_any_byte, reused)


@pytest.mark.parametrize(
    ("script", "timers", "phase", "at"),
    [
        ([Hang()], {"first_byte_s": 3.0}, Phase.FIRST_BYTE, 3),
        ([OK, Hang()], {"first_byte_s": 3.0}, Phase.FIRST_BYTE, 3),
        ([Hang()], {"deadline_by": 4.0}, Phase.DEADLINE, 4),
        ([CHUNKED, Hang()], {"first_byte_s": 3.0, "idle_s": 5.0}, Phase.IDLE, 5),
        ([CHUNKED, chunk(b"a"), Pause(4), chunk(b"b"), Hang()], {"idle_s": 5.0}, Phase.IDLE, 9),
        ([CHUNKED, chunk(b"a"), Hang()], {"idle_s": 5.0, "deadline_by": 2.0}, Phase.DEADLINE, 2),
    ],
)
async def test_each_timer_ends_the_send_at_its_time(script, timers, phase, at, lined) -> None:
    async with lined(ScriptedUpstream([script])) as line:
        with pytest.raises(TimedOut) as timed_out:
            await line.body(await line.send(**timers))
        assert timed_out.value.phase is phase
        assert now() == pytest.approx(at, abs=0.01)


class SlowBody:
    """Ten bytes, one a second."""

    parts = None

    async def pieces(self):
        for _ in range(10):
            await asyncio.sleep(1)
            yield b"x"


async def test_first_byte_is_waited_for_from_the_requests_last_byte(lined) -> None:
    async with lined(ScriptedUpstream()) as line:
        with pytest.raises(TimedOut) as timed_out:
            await line.send(first_byte_s=3.0, lines="content-length: 10\r\n", body=SlowBody())
        assert timed_out.value.phase is Phase.FIRST_BYTE
        assert now() == pytest.approx(13, abs=0.01)


async def test_idle_timer_holds_for_an_answer_that_is_read_and_not_for_one_that_is_not(lined) -> None:
    script = [OK + b"content-length: 8000000\r\n\r\n", Endless(b"x" * 80_000, 8_000_000)]
    async with lined(ScriptedUpstream([script])) as line:
        slow = await line.send(idle_s=5.0)
        await asyncio.sleep(60)
        assert len(await line.body(slow)) == 8_000_000


async def test_unread_answer_takes_bounded_memory(lined) -> None:
    script = [CHUNKED, Endless(chunk(b"x" * 60_000), 64 << 20)]
    async with lined(ScriptedUpstream([script])) as line:
        unread = await line.send()
        await asyncio.sleep(10)
        assert len(await unread.read()) < 1 << 20
        unread.close()


async def test_deadline_is_lifted_by_the_commit(lined) -> None:
    script = [CHUNKED, chunk(b"a"), Pause(20), chunk(b"b"), LAST_CHUNK]
    async with lined(ScriptedUpstream([script])) as line:
        committed = await line.send(deadline_by=10.0)
        committed.commit(30.0, None)
        assert await line.body(committed) == b"ab"


async def test_cancelled_send_closes_its_connection(lined) -> None:
    async with lined(ScriptedUpstream()) as line:
        sending = asyncio.ensure_future(line.send())
        await asyncio.sleep(1)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await asyncio.sleep(0.01)
        assert line.upstream.open == 0


async def test_nobody_listening_is_a_failed_connect(lined, free_port) -> None:
    async with lined(ScriptedUpstream()) as line:
        line.route = line.route.__class__(
            "first", "http", "127.0.0.1", free_port, "", None, None, line.route.provider
        )
        with pytest.raises(ConnectFailed, match=f"no connection to 127.0.0.1:{free_port}"):
            await line.send()


async def test_idle_connections_are_closed_with_the_transport(lined) -> None:
    async with lined(ScriptedUpstream(otherwise=answer())) as line:
        await line.body(await line.send())
        line.transport.close()
        await asyncio.sleep(0.01)
        assert line.upstream.open == 0


async def test_every_cut_of_an_answer_is_a_failure_or_the_whole(lined) -> None:
    """An answer cut after any byte never passes for a whole one."""
    whole = answer(200, b'{"a":1}', [("x-b", "c")])
    upstream = ScriptedUpstream()
    async with lined(upstream) as line:
        for cut in range(len(whole) + 1):
            upstream.requests.clear()
            upstream.scripts = [[whole[:cut], Close()]]
            try:
                body = await line.body(await line.send(fresh=True))
            except UpstreamFailure:
                assert cut < len(whole)
            else:
                assert (body, cut) == (b'{"a":1}', len(whole))


async def test_every_cut_into_two_reads_gives_the_same_answer(lined) -> None:
    whole = b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED + chunk(b"abc") + chunk(b"de") + LAST_CHUNK
    upstream = ScriptedUpstream()
    async with lined(upstream) as line:
        for cut in range(1, len(whole)):
            upstream.requests.clear()
            upstream.scripts = [[whole[:cut], Pause(0.01), whole[cut:]]]
            given = await line.send()
            assert (given.status, given.reason) == (200, b"OK")
            assert given.headers == [(b"transfer-encoding", b"chunked")]
            assert await line.body(given) == b"abcde"
        assert upstream.connections == 1

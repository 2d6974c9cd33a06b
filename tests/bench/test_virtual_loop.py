"""The loop in memory does what asyncio's own does with sockets, only at once."""

import asyncio
import socket
import time

import pytest
from bench.promise.virtual_loop import VirtualLoop

from claude_sidecar.replay.virtual_time import NothingLeftToHappen


def run(main):
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class Noting(asyncio.Protocol):
    """Keeps what comes."""

    def __init__(self) -> None:
        self.data, self.ended, self.lost = b"", False, "no"

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data) -> None:
        self.data += data

    def eof_received(self):
        self.ended = True
        return False

    def connection_lost(self, exc) -> None:
        self.lost = repr(exc)


async def pair() -> tuple[Noting, Noting]:
    loop = asyncio.get_running_loop()
    made: list[Noting] = []

    def accept() -> Noting:
        made.append(Noting())
        return made[-1]

    server = await loop.create_server(accept, "127.0.0.1", 0)
    _, near = await loop.create_connection(Noting, "127.0.0.1", server.sockets[0].getsockname()[1])
    return near, made[0]


def test_ten_minutes_pass_at_once_and_to_the_microsecond() -> None:
    async def main():
        await asyncio.sleep(600)
        return asyncio.get_running_loop().time()

    began = time.perf_counter()
    assert run(main()) == pytest.approx(600, abs=1e-6)
    assert time.perf_counter() - began < 5


def test_what_waits_for_nothing_is_told_instead_of_hanging() -> None:
    async def main():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingLeftToHappen):
        run(main())


def test_a_close_lets_what_was_written_through_and_then_ends() -> None:
    async def main():
        near, far = await pair()
        near.transport.write(b"one ")
        near.transport.writelines([b"two", b" three"])
        near.transport.close()
        await asyncio.sleep(1)
        return far.data, far.ended, far.lost, near.lost

    assert run(main()) == (b"one two three", True, "None", "None")


def test_a_reset_is_seen_as_one_and_loses_what_was_under_way() -> None:
    async def main():
        near, far = await pair()
        near.transport.write(b"lost")
        near.transport.reset()
        await asyncio.sleep(1)
        return far.data, far.lost, near.lost

    data, far_lost, near_lost = run(main())
    assert (data, near_lost) == (b"", "None")
    assert "ConnectionResetError" in far_lost


def test_one_side_may_end_and_still_be_answered() -> None:
    async def main():
        near, far = await pair()
        far.eof_received = lambda: True
        near.transport.write(b"question")
        near.transport.write_eof()
        await asyncio.sleep(1)
        far.transport.write(b"answer")
        await asyncio.sleep(1)
        return far.data, near.data

    assert run(main()) == (b"question", b"answer")


def test_a_reader_that_pauses_holds_the_writer_back() -> None:
    async def main():
        near, far = await pair()
        told = []
        near.pause_writing = lambda: told.append("pause")
        near.resume_writing = lambda: told.append("resume")
        far.transport.pause_reading()
        near.transport.write(b"x" * 100_000)
        await asyncio.sleep(1)
        assert (told, far.data) == (["pause"], b"")
        far.transport.resume_reading()
        await asyncio.sleep(1)
        return told, len(far.data)

    assert run(main()) == (["pause", "resume"], 100_000)


def test_a_port_on_which_nobody_listens_refuses() -> None:
    async def main():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Noting, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await loop.create_connection(Noting, "127.0.0.1", port)

    with pytest.raises(ConnectionRefusedError):
        run(main())


def test_a_socket_that_was_connected_first_is_as_good_as_an_address() -> None:
    async def main():
        loop = asyncio.get_running_loop()
        made = []
        server = await loop.create_server(lambda: made.append(Noting()) or made[-1], "127.0.0.1", 0)
        with socket.socket() as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, server.sockets[0].getsockname())
            assert sock.getpeername()[0] == "127.0.0.1"
            transport, _ = await loop.create_connection(Noting, sock=sock)
        transport.write(b"here")
        await asyncio.sleep(0.1)
        return made[0].data

    assert run(main()) == b"here"

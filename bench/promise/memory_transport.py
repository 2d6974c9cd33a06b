"""A connection without sockets: two transports, each hands what is written to the other's protocol."""

import asyncio
from collections import deque
from typing import Any

_HIGH_WATER_BYTES = 64 << 10


class MemoryTransport(asyncio.Transport):
    """One end of a connection within one event loop; bytes arrive in the loop's next turn, in order.

    It does what TCP would do on loopback: back-pressure, a close that lets what was written through, a
    reset that does not.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, extra: dict[str, Any]) -> None:
        super().__init__(extra)
        self._loop = loop
        self._protocol: Any = None
        self._inbox: deque[bytes | None] = deque()
        self.waiting_bytes = 0
        self._limit_bytes = _HIGH_WATER_BYTES
        self._handing = self._read_paused = self._write_paused = False
        self._closing = self._ended = self._eof_written = False
        self.peer: MemoryTransport

    def connect(self, protocol: asyncio.BaseProtocol) -> None:
        """From now on *protocol* gets what comes."""
        self._protocol = protocol
        protocol.connection_made(self)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not data or self._closing or self._eof_written:
            return
        self.peer.arrive(bytes(data))
        if self.peer.waiting_bytes > self._limit_bytes and not self._write_paused:
            self._write_paused = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        if not self._eof_written and not self._closing:
            self._eof_written = True
            self.peer.arrive(None)

    def can_write_eof(self) -> bool:
        return True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._limit_bytes = _HIGH_WATER_BYTES if high is None else high

    def get_write_buffer_size(self) -> int:
        return self.peer.waiting_bytes

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return not self._read_paused and not self._closing

    def pause_reading(self) -> None:
        self._read_paused = True

    def resume_reading(self) -> None:
        self._read_paused = False
        self._hand_later()

    def close(self) -> None:
        self._end(None, None)

    def abort(self) -> None:
        self._end(None, None)

    def reset(self) -> None:
        """End the connection so that the other side sees a reset, and not what was still on its way."""
        self._end(None, ConnectionResetError("the peer reset the connection"))

    def die(self, error: Exception) -> None:
        """The other side has broken the connection: what it had sent is lost."""
        self._inbox.clear()
        self._end(error, None)

    def _end(self, own: Exception | None, told: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._loop.call_soon(self._lost, own)
        if told is not None:
            self.peer.die(told)
        elif not self._eof_written:
            self._eof_written = True
            self.peer.arrive(None)

    def _lost(self, error: Exception | None) -> None:
        if not self._ended:
            self._ended = True
            self._inbox.clear()
            self.waiting_bytes = 0
            if self._protocol is not None:
                self._protocol.connection_lost(error)

    def arrive(self, data: bytes | None) -> None:
        """The other side has sent this; None: that it sends no more."""
        if self._closing:
            return
        self._inbox.append(data)
        self.waiting_bytes += len(data or b"")
        self._hand_later()

    def _hand_later(self) -> None:
        if self._inbox and not self._handing and not self._read_paused and not self._closing:
            self._handing = True
            self._loop.call_soon(self._hand)

    def _hand(self) -> None:
        self._handing = False
        if self._closing or self._read_paused or not self._inbox:
            return
        data = self._inbox.popleft()
        if data is None:
            if not self._protocol.eof_received():
                self.close()
            return
        self.waiting_bytes -= len(data)
        self._protocol.data_received(data)
        self.peer.room()
        self._hand_later()

    def room(self) -> None:
        """The other side has taken something."""
        if self._write_paused and self.peer.waiting_bytes <= self._limit_bytes // 4:
            self._write_paused = False
            if not self._ended:
                self._protocol.resume_writing()


def connection(
    loop: asyncio.AbstractEventLoop, near: dict[str, Any], far: dict[str, Any]
) -> tuple[MemoryTransport, MemoryTransport]:
    """Both ends; near and far: what `get_extra_info` tells at each."""
    one, other = MemoryTransport(loop, near), MemoryTransport(loop, far)
    one.peer, other.peer = other, one
    return one, other

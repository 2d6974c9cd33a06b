"""A loop on virtual time whose network is its own memory.

What runs on it opens servers and connections as ever, by `create_server` and `create_connection`; ten
minutes of waiting take no time, and the same seed gives the same course to the microsecond.
"""

import socket
from collections.abc import Callable
from typing import Any

from bench.promise.memory_transport import connection
from claude_sidecar.replay.virtual_time import VirtualTimeLoop

FIRST_PORT = 20_000


class VirtualSocket:
    """What code that sets socket options finds: it takes any, and has no file descriptor."""

    family = socket.AF_INET

    def __init__(self, port: int, peer_port: int = 0) -> None:
        self._port = port
        self._peer_port = peer_port

    def setsockopt(self, *_: Any) -> None:
        """Options change nothing here."""

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", self._port

    def getpeername(self) -> tuple[str, int]:
        return "127.0.0.1", self._peer_port

    def fileno(self) -> int:
        return -1


class VirtualServer:
    """What listens on a port; `close` lets no more connections in."""

    def __init__(self, listeners: dict[int, "VirtualServer"], port: int, make: Callable[[], Any]) -> None:
        self._listeners = listeners
        self._port = port
        self.make = make
        self.sockets = (VirtualSocket(port),)
        listeners[port] = self

    def close(self) -> None:
        self._listeners.pop(self._port, None)


class VirtualLoop(VirtualTimeLoop):
    """asyncio's own loop, but for its clock, its network and its threads (which it has not)."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners: dict[int, VirtualServer] = {}
        self._connected: dict[int, int] = {}
        self._door: socket.socket | None = None
        self._ports = iter(range(FIRST_PORT, 65_536))

    def close(self) -> None:
        if self._door is not None:
            self._door.close()
        super().close()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """Call *func* here and now."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done

    async def create_server(self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:
        return VirtualServer(self._listeners, port or next(self._ports), protocol_factory)

    async def sock_connect(self, sock: Any, address: Any) -> None:
        """Code that races addresses connects a socket first, and hands it to `create_connection`.

        It may ask the socket who its peer is, so that one is connected for real, to a door behind which
        nobody waits.
        """
        self._listening(address[1])
        if self._door is None:
            self._door = socket.create_server(("127.0.0.1", 0))
        sock.connect_ex(self._door.getsockname())
        self._door.accept()[0].close()
        self._connected[sock.fileno()] = address[1]

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, *, sock: Any = None, **_: Any
    ) -> Any:
        if sock is not None:
            port = self._connected.pop(sock.fileno())
            sock.close()
        listener = self._listening(port)
        own_port = next(self._ports)
        near, far = connection(self, _extra(own_port, port), _extra(port, own_port))
        protocol = protocol_factory()
        far.connect(listener.make())
        near.connect(protocol)
        return near, protocol

    def _listening(self, port: int) -> VirtualServer:
        listener = self._listeners.get(port)
        if listener is None:
            raise ConnectionRefusedError(111, "Connection refused")
        return listener


def _extra(port: int, peer_port: int) -> dict[str, Any]:
    return {
        "socket": VirtualSocket(port, peer_port),
        "sockname": ("127.0.0.1", port),
        "peername": ("127.0.0.1", peer_port),
    }

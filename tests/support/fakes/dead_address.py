"""An address that swallows what is sent to it."""

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def dead_address(ip: str, port: int = 0) -> Iterator[int]:
    """A loopback port whose queue of connections is full: no SYN to it is answered."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ip, port))
        listener.listen(0)
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                caller.connect(listener.getsockname())
        yield listener.getsockname()[1]

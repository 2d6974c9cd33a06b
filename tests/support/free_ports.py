"""Ports for servers that are told theirs, as real processes and their restarts need."""

import contextlib
import random
import socket
from collections.abc import Iterator

BELOW_EPHEMERAL_PORTS = range(15000, 30000)
"""No outgoing connection takes one of these while its server starts or is restarted."""


def free_ports(count: int) -> Iterator[int]:
    """Loopback ports on which nobody listens, all different."""
    for port in random.SystemRandom().sample(BELOW_EPHEMERAL_PORTS, len(BELOW_EPHEMERAL_PORTS)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            yield port
            count -= 1
        if count == 0:
            return

"""What can go wrong between us and an upstream, each kind told apart where it happens and nowhere else."""

from enum import StrEnum


class Phase(StrEnum):
    """Where a connection failed or a timer ran out."""

    DNS = "dns"
    CONNECT = "connect"
    PROXY = "proxy"
    TLS = "tls"
    FIRST_BYTE = "first byte"
    ANSWER = "answer"
    IDLE = "idle"
    DEADLINE = "deadline"


class UpstreamFailure(Exception):
    """A send that got no whole answer; `phase` says where."""

    def __init__(self, phase: Phase, message: str) -> None:
        super().__init__(message)
        self.phase = phase


class ConnectFailed(UpstreamFailure):
    """No connection could be made: DNS, connect (also in time), proxy or TLS. Nothing was sent."""


class ConnectionDied(UpstreamFailure):
    """The connection closed, or spoke no HTTP, before the answer was whole.

    before_any_byte: nothing of an answer had come. reused: the connection came from the pool.
    """

    def __init__(self, message: str, *, before_any_byte: bool, reused: bool) -> None:
        super().__init__(Phase.ANSWER, message)
        self.before_any_byte = before_any_byte
        self.reused = reused


class TimedOut(UpstreamFailure):
    """One of our timers ran out: first byte, idle or the call's deadline."""

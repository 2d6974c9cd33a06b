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
    FIRST_DELTA = "first delta"
    IDLE = "idle"
    STALLED = "stalled"
    DEADLINE = "deadline"


UNTIL_COMMIT = frozenset({Phase.FIRST_BYTE, Phase.FIRST_DELTA, Phase.DEADLINE})
"""What no longer ends an answer that is on its way to the caller."""


class UpstreamFailure(Exception):
    """An attempt that got no whole response; `phase` says where."""

    def __init__(self, phase: Phase, message: str) -> None:
        super().__init__(message)
        self.phase = phase


class ConnectFailed(UpstreamFailure):
    """No connection could be made: DNS, connect (also in time), proxy or TLS. Nothing was sent."""


class ConnectionDied(UpstreamFailure):
    """The connection closed, or spoke no HTTP, before the response was whole.

    before_any_byte: nothing of a response had come. reused: the connection came from the pool.
    silent_s: how long nothing came after the request's last byte; None where the request was not written
    whole or something came.
    """

    def __init__(
        self, message: str, *, before_any_byte: bool, reused: bool, silent_s: float | None = None
    ) -> None:
        super().__init__(Phase.ANSWER, message)
        self.before_any_byte = before_any_byte
        self.reused = reused
        self.silent_s = silent_s


class TimedOut(UpstreamFailure):
    """One of our timers ran out: first byte, first delta, idle, stalled or the call's deadline."""


_TIMERS = {
    Phase.FIRST_BYTE: "no response began in time",
    Phase.FIRST_DELTA: "no content came in time",
    Phase.IDLE: "the response stopped coming",
    Phase.STALLED: "nothing but pings came for too long",
    Phase.DEADLINE: "the call's deadline came first",
}


def timed_out(phase: Phase) -> TimedOut:
    """The end of an exchange whose timer for a phase ran out."""
    return TimedOut(phase, _TIMERS[phase])

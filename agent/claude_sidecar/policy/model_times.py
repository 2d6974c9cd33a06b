"""The parts of a `ClaudePolicy` that say how long is waited, and what a silent stream does meanwhile."""

from claude_sidecar.policy.fields import AnyHold, Duration, PositiveDuration
from claude_sidecar.policy.part import PolicyPart
from claude_sidecar.policy.snapshot import Hold


class Timeouts(PolicyPart):
    """How long is waited for what."""

    connect: PositiveDuration = "5s"
    """For DNS, TCP and TLS of a new connection."""
    first_byte: PositiveDuration = "2m"
    """For the first byte of a stream's or a count's answer."""
    first_delta: Duration = "0s"
    """From the send to a stream's first content, where another route may take the call. `0s`: no limit."""
    idle: PositiveDuration = "5m"
    """Between two pieces of a stream's or a count's answer; pings are pieces."""
    stalled: Duration = "10m"
    """Between two events of a committed stream; pings and comments are none. `0s`: no limit."""
    total: PositiveDuration = "10m"
    """For a whole call up to its commit."""


class Stream(PolicyPart):
    """How long a stream is held back, so that an early failure can still be repeated, and what a silent one
    sends meanwhile."""

    hold: AnyHold = Hold.FIRST_DELTA
    """`FirstDelta`: until the first real content; `Headers`: until the answer's head."""
    quiet_after: Duration = "15s"
    """How long after the first answer's head a held stream is opened: the app gets the head, the events stay
    back. `0s`: never."""
    hold_max: Duration = "5m"
    """Longest hold of content (`message_start` and what follows)."""
    keep_alive: Duration = "15s"
    """How long an opened or committed stream says nothing before it gets a ping of ours. `0s`: never."""

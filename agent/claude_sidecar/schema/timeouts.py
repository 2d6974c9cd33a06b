"""How long is waited for what, and what a silent stream does meanwhile."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from claude_sidecar.schema.durations import Duration
from claude_sidecar.schema.fields import PositiveDuration
from claude_sidecar.schema.strict_model import StrictModel


class Timeouts(StrictModel):
    """How long is waited for what."""

    connect_s: PositiveDuration = Duration("5s")
    """For DNS, TCP and TLS of a new connection."""
    first_byte_s: PositiveDuration = Duration("2m")
    """For the first byte of a stream's or a count's answer."""
    first_delta_s: Duration = Duration("0s")
    """From the send to a stream's first content, where another route may take the call. `0s`: no limit."""
    idle_s: PositiveDuration = Duration("5m")
    """Between two pieces of a stream's or a count's answer; pings are pieces."""
    stalled_s: Duration = Duration("10m")
    """Between two events of a committed stream; pings and comments are none. `0s`: no limit."""
    total_s: PositiveDuration = Duration("10m")
    """For a whole call up to its commit."""


class Hold(StrEnum):
    """Until when a stream is held back from the caller."""

    FIRST_DELTA = "FirstDelta"
    HEADERS = "Headers"


class Stream(StrictModel):
    """How long a stream is held back, so that an early failure can still be repeated, and what a silent one
    sends meanwhile."""

    hold: Annotated[Hold, Field(strict=False)] = Hold.FIRST_DELTA
    """`FirstDelta`: until the first real content; `Headers`: until the answer's head."""
    quiet_after_s: Duration = Duration("15s")
    """How long after the first answer's head a held stream is opened: the app gets the head, the events stay
    back. `0s`: never."""
    hold_max_s: Duration = Duration("5m")
    """Longest hold of content (`message_start` and what follows)."""
    keep_alive_s: Duration = Duration("15s")
    """How long an opened or committed stream says nothing before it gets a ping of ours. `0s`: never."""

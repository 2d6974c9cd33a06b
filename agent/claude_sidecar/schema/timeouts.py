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
    """For a new connection: DNS, TCP and TLS together.

    Beyond it the attempt is a ConnectionFailure: nothing was sent, so it is safe to retry.
    """
    first_byte_s: PositiveDuration = Duration("2m")
    """For the first byte of the response to a stream or a token count, from the request's last byte.

    It ends an attempt, as a Timeout, only where the request has an untried route to go to and an attempt
    left; otherwise the attempt runs to the deadline. Other requests may work for minutes before their first
    byte.
    """
    first_delta_s: Duration = Duration("0s")
    """From the start of an attempt to a stream's first content. `0s`: no limit.

    It holds only where another route may take the request at once and `fallback.causes` names Timeout.
    Models may think for minutes before their first content: example, with a second route to the same models:
    `90s`.
    """
    idle_s: PositiveDuration = Duration("5m")
    """Between two bytes of the response to a stream or a token count; pings count.

    Before the commit it is a Timeout, after it an interruption, which the app sees as an `error` event.
    """
    stalled_s: Duration = Duration("10m")
    """Between two events of a committed stream; pings and comments are none. `0s`: no limit.

    Beyond it the stream ends as an interruption. `idle` bounds the silence without any byte.
    """
    total_s: PositiveDuration = Duration("10m")
    """For a whole request, all attempts and waits included, until its response is committed.

    The caller's own time-out (`x-stainless-timeout`), if it is shorter, takes its place. No wait is begun
    that would end later. A stream that is alive then is not cut but committed as it stands.
    """


class Hold(StrEnum):
    """Until when a stream is held back from the caller."""

    FIRST_DELTA = "FirstDelta"
    HEADERS = "Headers"


class Stream(StrictModel):
    """How long a stream is held back, so that an early failure can still be repeated, and what a silent
    one sends meanwhile."""

    hold: Annotated[Hold, Field(strict=False)] = Hold.FIRST_DELTA
    """Until when a stream is held back, so that a failure before that can still be cured.

    `FirstDelta`: until the first real content; an overload that comes as the first event of a 200 is then
    retried like a 529. `Headers`: until the response's head; nothing after it is retried.
    """
    quiet_after_s: Duration = Duration("15s")
    """How long after the first response's head a held stream is opened: the app gets the head, the events
    stay back. `0s`: never.

    It keeps clients and load balancers from giving up on a model that thinks. Half of the caller's own
    time-out opens it too, if that is earlier. What fails for good after the opening comes as an `error`
    event under a status 200.
    """
    hold_max_s: Duration = Duration("5m")
    """Longest hold of content (`message_start` and what follows).

    After that the stream is committed as it stands. It bounds what a late retry costs, since the next
    attempt thinks anew.
    """
    keep_alive_s: Duration = Duration("15s")
    """How long an opened or committed stream says nothing before it gets a ping of ours. `0s`: never.

    Half of the caller's own time-out takes its place, if that is shorter, and holds for opened streams in
    any case.
    """

"""What an app asks for in an outage: one value a call."""

from typing import NamedTuple

import msgspec

from claude_sidecar.replay.answer import Answer

PATHS = {
    "chat": "/v1/messages",
    "text_completion": "/v1/complete",
    "count_tokens": "/v1/messages/count_tokens",
}
"""Where a call of each operation is asked."""


class AskedCall(msgspec.Struct, frozen=True):
    """One call of the app."""

    at_s: float
    """When it comes, in seconds since the outage's beginning."""

    model: str | None = None

    stream: bool = False

    operation: str = "chat"
    """`chat`, `text_completion` or `count_tokens`."""

    input_tokens: int = 0

    sdk_timeout_s: float | None = None
    """What its SDK tells of its time-out."""

    account_bound: bool = False
    """Whether it names something that lives in one account."""

    leaves_after_s: float | None = None
    """When the app went away from it, in seconds from its arrival; None where it stayed."""

    everywhere: Answer | None = None
    """What it meets wherever it is sent, since the fault is its own; None where the route decides."""


class Sent(NamedTuple):
    """One send. at_s: in seconds since the outage's beginning; call: whose it is; model: what the route is
    asked for."""

    at_s: float
    call: AskedCall
    model: str | None

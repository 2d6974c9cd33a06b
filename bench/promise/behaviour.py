"""What an upstream does and what an app asks of it, as plain values."""

from dataclasses import dataclass
from enum import StrEnum

DEFAULT_TIMEOUT_S = 600.0
"""The read time-out of a client that names none (`anthropic._constants.DEFAULT_TIMEOUT`)."""


class Kind(StrEnum):
    """What the app asks for."""

    MESSAGE = "message"
    STREAM = "stream"
    COUNT = "count"
    BATCH = "batch"
    UPLOAD = "upload"
    DELETE = "delete"
    MODELS = "models"


class Ill(StrEnum):
    """What is wrong with an answer.

    STATUS: an error answer; REFUSED: no connection at all, in outages only; HANG: silence for ever;
    GARBAGE: no HTTP. CUT: the connection ends amid the body, of a stream before its first delta; CUT_LATE: of
    a stream behind some deltas. UNENDED, UNENDED_LATE: a stream that ends in order there, but without
    `message_stop`. EVENT: an `overloaded_error` as a stream's first event. PAGE: 200, and HTML. Other calls
    meet a CUT in place of what only a stream can have, a 529 in place of EVENT; a PAGE is met by messages and
    counts alone.
    """

    STATUS = "status"
    REFUSED = "refused"
    RESET = "reset"
    CLOSE = "close"
    HANG = "hang"
    GARBAGE = "garbage"
    CUT = "cut"
    CUT_LATE = "cut-late"
    UNENDED = "unended"
    UNENDED_LATE = "unended-late"
    EVENT = "event"
    PAGE = "page"


class Form(StrEnum):
    """How an answer says when to come again."""

    SECONDS = "retry-after"
    MILLISECONDS = "retry-after-ms"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Wish:
    """An upstream's wish to be left alone for so long."""

    form: Form
    seconds: float


@dataclass(frozen=True, slots=True)
class Fault:
    """after_s: from the request until it shows. status, html, wish, should_retry: of a STATUS."""

    ill: Ill
    after_s: float = 0.0
    status: int = 529
    html: bool = False
    wish: Wish | None = None
    should_retry: bool | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How a good answer comes, in seconds: head_s until its head; of a stream then thinking_s until the first
    delta, a ping every ping_s (0: none); gap_s between its pieces."""

    head_s: float = 0.0
    thinking_s: float = 0.0
    ping_s: float = 0.0
    gap_s: float = 0.0


PROMPT = Pace()


@dataclass(frozen=True, slots=True)
class Outage:
    """Every request from begins_s until ends_s meets this fault, whatever its call's own would be."""

    begins_s: float
    ends_s: float
    fault: Fault

    def covers(self, at_s: float) -> bool:
        """Whether it is on."""
        return self.begins_s <= at_s < self.ends_s


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call. faults: what its first sends meet outside an outage; after these all is well."""

    kind: Kind
    starts_s: float = 0.0
    faults: tuple[Fault, ...] = ()
    pace: Pace = PROMPT


@dataclass(frozen=True, slots=True)
class Behaviour:
    """timeout_s: what the app gave its SDK, None for the default."""

    calls: tuple[CallPlan, ...]
    outage: Outage | None = None
    timeout_s: float | None = None

    @property
    def patience_s(self) -> float:
        """How long the SDK waits for the next byte."""
        return DEFAULT_TIMEOUT_S if self.timeout_s is None else self.timeout_s

"""What came of an outage's calls under one policy."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from claude_sidecar.schema.snapshot import Snapshot
from claude_sidecar.telemetry.record import CallRecord


class CallEnd(msgspec.Struct, frozen=True):
    """How one call ended."""

    status: int | None
    """As the app saw it; None where it left before."""

    error: str | None
    """`error.type` as the app got it, None on success."""

    cause: str | None
    """Why it failed, by the table of causes."""

    left: bool
    """Whether the app went away from a call that had not failed."""

    sends: tuple[str, ...]
    """The routes that it was sent to, in order."""

    waited_s: float
    """Pauses between sends, in all."""

    seconds: float
    """From its arrival until nothing more was to be done."""

    @property
    def answered(self) -> bool:
        """Whether the app got what it asked for."""
        return self.error is None and not self.left

    @property
    def cured(self) -> bool:
        """Whether it got it though an attempt had failed."""
        return self.answered and len(self.sends) > 1

    def same_as(self, other: "CallEnd") -> bool:
        """Whether the app saw the same."""
        return (self.status, self.error, self.left) == (other.status, other.error, other.left)


@dataclass(slots=True)
class Spent:
    """Tokens of all attempts, discarded ones too: they are billed.

    usd: what they cost at the policy's prices, None where nothing is priced; unpriced: what is not in it.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_creation: int = 0
    usd: Decimal | None = None
    unpriced: set[str] = field(default_factory=set)

    def add(self, record: CallRecord) -> None:
        """Count a call's."""
        for attempt in record.attempts:
            usage = attempt.usage
            self.input += usage.input_tokens or 0
            self.output += usage.output_tokens or 0
            self.cache_read += usage.cache_read_input_tokens or 0
            self.cache_creation += usage.cache_creation_input_tokens or 0
            if attempt.cost_usd is not None:
                self.usd = (self.usd or Decimal()) + attempt.cost_usd
            self.unpriced.update(attempt.unpriced)


@dataclass(slots=True)
class Course:
    """All calls of one play; ends: in the order in which the calls came; assumed: what the world had to."""

    snapshot: Snapshot
    ends: list[CallEnd]
    spent: Spent = field(default_factory=Spent)
    assumed: list[str] = field(default_factory=list)

    @property
    def answered(self) -> int:
        """Calls that got what they asked for."""
        return sum(end.answered for end in self.ends)

    @property
    def cured(self) -> int:
        """Of these, calls that a failed attempt went before."""
        return sum(end.cured for end in self.ends)

    @property
    def left(self) -> int:
        """Calls that the app left before they had failed."""
        return sum(end.left for end in self.ends)

    def failures(self) -> dict[str, int]:
        """Failed calls by cause, most first."""
        return dict(
            Counter(end.cause or "_OTHER" for end in self.ends if end.error is not None).most_common()
        )

    def sends(self) -> dict[str, int]:
        """Sends by route, in the policy's order, routes without any too."""
        counted = Counter(route for end in self.ends for route in end.sends)
        return {route.name: counted[route.name] for route in self.snapshot.routes}

    @property
    def waited_s(self) -> float:
        """Pauses of all calls."""
        return sum(end.waited_s for end in self.ends)

    def seconds_to_answer(self, share: float) -> float | None:
        """The time within which that share of the answered calls was done; None without any."""
        return quantile([end.seconds for end in self.ends if end.answered], share)


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that is no smaller than that share of all; None without any."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def end_of(record: CallRecord) -> CallEnd:
    """What is kept of a call's record."""
    return CallEnd(
        status=record.response.status,
        error=record.error,
        cause=record.response.cause,
        left=record.caller_left,
        sends=tuple([attempt.route for attempt in record.attempts]),
        waited_s=sum([wait.seconds for wait in record.waits]),
        seconds=record.ended_s - record.started_s,
    )

"""What came of a scenario on one of the two ways."""

from dataclasses import dataclass

from bench.promise.outcome import End, Outcome

FIRST, SECOND = 1, 2
"""The two routes; an answer's id ends with the number of the one that gave it."""

LONGEST_S = 30.0
"""Every call is over by then, or was given up by the examiner."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """starts_s, seconds: since the scenario began, and how long it took; outcome None: not over in 30 s.

    route: which one answered; stop_reason: as the answer says.
    """

    starts_s: float
    seconds: float
    outcome: Outcome | None
    route: int | None = None
    stop_reason: str | None = None

    @property
    def answered(self) -> bool:
        """Whether the app has a whole and right answer."""
        return self.outcome is not None and self.outcome.answered

    @property
    def end(self) -> End | None:
        """How it ended, None while it goes on."""
        return None if self.outcome is None else self.outcome.end


@dataclass(frozen=True, slots=True)
class Result:
    """calls: in the order of their starts; sends: when each route was asked, in seconds since it began."""

    calls: tuple[CallResult, ...]
    sends: dict[int, tuple[float, ...]]

    @property
    def answered(self) -> int:
        """How many calls have an answer."""
        return sum(call.answered for call in self.calls)

    @property
    def longest_s(self) -> float:
        """How long the slowest call took."""
        return max(call.seconds for call in self.calls)

    @property
    def sends_in_all(self) -> int:
        """Requests that reached an upstream; a connection that is refused is none."""
        return sum(len(times) for times in self.sends.values())

    def answered_by(self, route: int, within_s: float) -> bool:
        """Whether that route answered every call, each within so many seconds."""
        return self.longest_s <= within_s and all(
            call.answered and call.route == route for call in self.calls
        )

    def ended(self, end: End, status: int, within_s: float) -> bool:
        """Whether every call ended like this, within so many seconds."""
        return self.longest_s <= within_s and all(
            call.outcome is not None and (call.end, call.outcome.status) == (end, status)
            for call in self.calls
        )


def broken_rules(result: Result, calls_sends_most: int) -> list[str]:
    """What no scenario excuses: false success, sends without bound, an end after 30 s."""
    found = []
    if any(call.end in (End.TRUNCATED, End.WRONG) for call in result.calls):
        found.append("a failure dressed as success")
    if result.sends_in_all > calls_sends_most * len(result.calls):
        found.append(f"{result.sends_in_all} sends for {len(result.calls)} calls")
    if any(call.outcome is None for call in result.calls):
        found.append("no end within 30 s")
    return found

"""What the policy promises of a scene, held against what was seen of it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from claude_sidecar.demo.collector import Span
from claude_sidecar.demo.outcome import Outcome
from claude_sidecar.telemetry import names

HINT = "x-claude-sidecar-hint"
_ROUTE = "x-claude-sidecar-route"
_ATTEMPTS = "x-claude-sidecar-attempts"


@dataclass(frozen=True, slots=True)
class Served:
    """One request as the upstream's ledger has it: the route it came by, and what the upstream did."""

    route: str
    told: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A scene from three sides: what the app got, what the sidecar exported, what the upstream served."""

    outcome: Outcome
    spans: Sequence[Span]
    served: Sequence[Served]

    @property
    def tops(self) -> list[Span]:
        """One span for each time the SDK came to the sidecar."""
        return [span for span in self.spans if span.kind == "SERVER"]

    @property
    def sends(self) -> str:
        """The upstream's side in the order of time."""
        return ", ".join(f"{served.route} {served.told}" for served in self.served)

    @property
    def waited_s(self) -> float:
        """The waits that the trace tells, in all."""
        events = (event for span in self.spans for event in span.events if event.name == names.EVENT_WAIT)
        return sum(float(event.attributes[names.EVENT_WAIT_SECONDS]) for event in events)

    def of_top(self, attribute: str) -> str:
        """An attribute of the top span; empty where there is none."""
        return str(self.tops[0].attributes.get(attribute, "")) if self.tops else ""


@dataclass(frozen=True, slots=True)
class Promise:
    """What is to be seen.

    sends: a regular expression for `Seen.sends`. error_type: what the app's error says, None for an
    answer. deltas: whether text came as a stream. waits_s: least and most of all waits together.
    hint: part of the hint beside the error.
    """

    sends: str
    route: str
    error_type: str | None = None
    deltas: bool = False
    waits_s: tuple[float, float] = (0.0, 0.0)
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that went otherwise."""

    what: str
    expected: str
    seen: str


def differences(promise: Promise, seen: Seen) -> Iterator[Difference]:
    """All that went otherwise than promised, and all that the three sides tell differently."""
    outcome = seen.outcome
    if outcome.error_type != promise.error_type:
        wanted = "an answer" if promise.error_type is None else f"the error {promise.error_type}"
        yield Difference("the app got", wanted, outcome.told)
    elif promise.deltas != (outcome.deltas > 0):
        yield Difference("the app got", "deltas" if promise.deltas else "no deltas", outcome.told)
    if not re.fullmatch(promise.sends, seen.sends):
        yield Difference("the upstream served", promise.sends or "nothing", seen.sends or "nothing")
    least, most = promise.waits_s
    if not least <= seen.waited_s <= most:
        wanted = f"{least:g} to {most:g} s" if most else "not at all"
        yield Difference("the sidecar waited", wanted, f"{seen.waited_s:.3f} s")
    if len(seen.tops) != 1:
        yield Difference("calls that the SDK made", "1", str(len(seen.tops)))
    sends = str(len(seen.served))
    for what, told, wanted in (
        ("route in the answer's header", outcome.headers.get(_ROUTE, ""), promise.route),
        ("route in the trace", seen.of_top(names.ROUTE), promise.route),
        ("attempts in the answer's header", outcome.headers.get(_ATTEMPTS, ""), sends),
        ("attempts in the trace", seen.of_top(names.ATTEMPTS), sends),
    ):
        if told != wanted:
            yield Difference(what, wanted, told or "none")
    hint = outcome.headers.get(HINT, "")
    if promise.hint is not None and promise.hint not in hint:
        yield Difference("hint", f"one that names {promise.hint!r}", hint or "none")

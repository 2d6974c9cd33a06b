"""The table of all scenarios, for people and for the docs."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bench.failover.result import FIRST, SECOND, CallResult, Result, broken_rules
from bench.failover.scenario import Scenario
from bench.promise.outcome import End

SENDS_MOST = 9
"""Of a call with an SDK behind it that repeats twice: 4, 3 and 2."""

BEGIN, END = "<!-- begin: written by python -m bench.failover -->", "<!-- end -->"
_ENDS = {
    End.ANSWERED: "answered",
    End.UNREACHED: "connection error",
    End.BROKEN: "error in the stream",
    End.TRUNCATED: "**taken for whole**",
    End.WRONG: "**taken for an answer**",
    None: "not over in 30 s",
}


@dataclass(frozen=True, slots=True)
class Examined:
    """A scenario and what came of it."""

    scenario: Scenario
    alone: Result
    through: Result

    @property
    def as_promised(self) -> bool:
        """Whether the sidecar did what was stated beforehand, and broke no rule."""
        return self.scenario.right(self.through) and not self.faults

    @property
    def faults(self) -> list[str]:
        """Rules that the sidecar broke."""
        return broken_rules(self.through, SENDS_MOST)


def table(examined: list[Examined]) -> str:
    """Markdown: a row a scenario."""
    head = ["trouble", "what happens", "right", "SDK alone", "through the sidecar", "as promised"]
    rows = [
        [
            one.scenario.name,
            one.scenario.happens,
            one.scenario.promised,
            told(one.alone),
            told(one.through),
            "yes" if one.as_promised else "**no**" + "".join(f"; {fault}" for fault in one.faults),
        ]
        for one in examined
    ]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def told(result: Result) -> str:
    """A result in a few words: how the calls ended, after how long, by how many sends."""
    ends = Counter(_told_end(call) for call in result.calls)
    one = len(result.calls) == 1
    shown = ", ".join(end if one else f"{count} {end}" for end, count in ends.items())
    sends = f"{len(result.sends[FIRST])} + {len(result.sends[SECOND])}"
    return f"{shown}; {'' if one else 'at most '}{result.longest_s:.1f} s; sends {sends}"


def _told_end(call: CallResult) -> str:
    if call.outcome is not None and call.end is End.STATUS:
        return f"{call.outcome.status}"
    shown = _ENDS[call.end]
    return f"{shown} by the {'first' if call.route == FIRST else 'second'}" if call.answered else shown


def write(text: str, document: Path) -> None:
    """Put the text between the document's two marks."""
    before, _, rest = document.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")

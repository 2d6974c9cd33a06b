"""The timeline of a call, played or real: each step with its time, and the rule of the policy behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from claude_sidecar.doctor.withheld import withheld
from claude_sidecar.telemetry.bounds import LINE_CHARS, clean


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step.

    at_s: seconds after the call's arrival. does: what is done, as `send to anthropic`. rule: by which rule of
    the decision, None where none took the step; because: what that says, with the call's own figures. came:
    what came of an attempt. seen: what else the app sees of an end.
    """

    at_s: float
    does: str
    rule: str | None = None
    because: str | None = None
    came: str | None = None
    seen: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """given: lines that say what the steps go by. aside: lines on what else may come. hint: as the answer has
    it; to_do: what would change the end."""

    given: Sequence[str]
    entries: Sequence[Entry]
    aside: Sequence[str] = ()
    hint: str | None = None
    to_do: str | None = None


def text_of(timeline: Timeline) -> str:
    """For people: a line a step. What would move a terminal's cursor is not repeated, nor what looks like a
    key: lines of logs may be anybody's."""
    lines = [*timeline.given]
    for number, entry in enumerate(timeline.entries, 1):
        lines += _lines(number, entry)
    lines += timeline.aside
    if timeline.hint is not None:
        lines.append(f"hint: {timeline.hint}")
    if timeline.to_do is not None:
        lines.append(f"to do: {timeline.to_do}")
    return "\n".join(withheld(clean(line, LINE_CHARS), ()) for line in lines)


def json_of(timeline: Timeline) -> str:
    """For programs: one object."""
    document = {
        "given": [_told(line) for line in timeline.given],
        "steps": [
            {
                "atSeconds": round(entry.at_s, 3),
                "does": _told(entry.does),
                "rule": _told(entry.rule),
                "because": _told(entry.because),
                "came": _told(entry.came),
                "seen": _told(entry.seen),
            }
            for entry in timeline.entries
        ],
        "aside": [_told(line) for line in timeline.aside],
        "hint": _told(timeline.hint),
        "toDo": timeline.to_do,
    }
    return msgspec.json.encode(document).decode()


def _told(text: str | None) -> str | None:
    return None if text is None else withheld(text, ())


def seconds(value: float) -> str:
    """`1.5s`."""
    return f"{round(value, 3):.10g}s"


def counted(number: int, noun: str) -> str:
    """`1 attempt`, `2 attempts`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _lines(number: int, entry: Entry) -> Iterator[str]:
    why = (
        ""
        if entry.rule is None
        else f" ({entry.rule}: {entry.because})"
        if entry.because
        else f" ({entry.rule})"
    )
    came = "" if entry.came is None else f": {entry.came}"
    yield f"{number:3}. {entry.does} [at {seconds(entry.at_s)}]{why}{came}"
    if entry.seen is not None:
        yield f"     {entry.seen}"

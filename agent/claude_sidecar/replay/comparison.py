"""Two policies in one outage: what each made of it, and the calls whose ends differ."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from claude_sidecar.replay.course import CallEnd, Course
from claude_sidecar.replay.load import AskedCall
from claude_sidecar.replay.outage import Outage
from claude_sidecar.telemetry.cost import usd_text

Json = dict[str, object]

DIFFERENCES_SHOWN = 1000


class Difference(NamedTuple):
    """A call that ends otherwise. number: counted from 1, in the order in which calls came."""

    number: int
    asked: AskedCall
    old: CallEnd
    new: CallEnd


class Comparison(msgspec.Struct, frozen=True):
    """old: the policy in force; new: the one to be judged; notes: what is known and what was assumed."""

    outage: Outage
    old: Course
    new: Course
    seed: int
    notes: tuple[str, ...]

    @property
    def courses(self) -> tuple[Course, Course]:
        """Both, the policy in force first."""
        return self.old, self.new

    def differences(self) -> list[Difference]:
        """The calls whose ends differ, in the order in which they came."""
        both = zip(self.outage.calls, self.old.ends, self.new.ends, strict=True)
        return [
            Difference(number, asked, old, new)
            for number, (asked, old, new) in enumerate(both, 1)
            if not old.same_as(new)
        ]


def compared(outage: Outage, old: Course, new: Course, seed: int, notes: Sequence[str]) -> Comparison:
    """A comparison; notes: of whoever chose the policies."""
    assumed = dict.fromkeys((*old.assumed, *new.assumed))
    return Comparison(outage, old, new, seed, (*outage.known, *notes, *assumed))


def json_of(comparison: Comparison) -> Json:
    """What `--json` prints."""
    outage, differences = comparison.outage, comparison.differences()
    return {
        "outage": {"about": outage.about, "calls": len(outage.calls), "seconds": round(outage.lasts_s, 3)},
        "seed": comparison.seed,
        "policies": [_policy(course) for course in comparison.courses],
        "recorded": msgspec.to_builtins(outage.recorded) if outage.recorded is not None else None,
        "notes": list(comparison.notes),
        "differing": len(differences),
        "differences": [_difference(found) for found in differences[:DIFFERENCES_SHOWN]],
    }


def _policy(course: Course) -> Json:
    spent = course.spent
    return {
        "policy": course.snapshot.name,
        "hash": course.snapshot.hash,
        "calls": len(course.ends),
        "answered": course.answered,
        "cured": course.cured,
        "left": course.left,
        "failed": course.failures(),
        "sends": course.sends(),
        "waitedSeconds": round(course.waited_s, 3),
        "medianSeconds": _rounded(course.seconds_to_answer(0.5)),
        "p95Seconds": _rounded(course.seconds_to_answer(0.95)),
        "inputTokens": spent.input,
        "outputTokens": spent.output,
        "cacheReadTokens": spent.cache_read,
        "cacheCreationTokens": spent.cache_creation,
        "costUsd": usd_text(spent.usd) if spent.usd is not None else None,
        "unpriced": sorted(spent.unpriced),
    }


def _difference(found: Difference) -> Json:
    return {
        "call": found.number,
        "atSeconds": round(found.asked.at_s, 3),
        "model": found.asked.model,
        "stream": found.asked.stream,
        "ends": [_end(found.old), _end(found.new)],
    }


def _end(end: CallEnd) -> Json:
    return {
        "status": end.status,
        "errorType": end.error,
        "cause": end.cause,
        "left": end.left,
        "sends": list(end.sends),
        "waitedSeconds": round(end.waited_s, 3),
        "seconds": round(end.seconds, 3),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)

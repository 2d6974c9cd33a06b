"""The figures of a comparison in words, a row each: for the terminal and for the page."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from claude_sidecar.replay.chart import clock_time
from claude_sidecar.replay.comparison import Comparison, Difference
from claude_sidecar.replay.course import CallEnd, Course
from claude_sidecar.telemetry.cost import usd_text


class Row(NamedTuple):
    """One figure under each policy."""

    name: str
    old: str
    new: str


def rows_of(comparison: Comparison) -> Iterator[Row]:
    """The rows of the table."""

    def row(name: str, figure: Callable[[Course], str]) -> Row:
        return Row(name, figure(comparison.old), figure(comparison.new))

    yield row("calls", lambda course: f"{len(course.ends):,}")
    yield row("answered", lambda course: _share(course.answered, len(course.ends)))
    yield row("  after a failed send", lambda course: f"{course.cured:,}")
    for cause in _both(comparison, Course.failures):
        yield row(f"failed: {cause}", partial(_failed, cause))
    if any(course.left for course in comparison.courses):
        yield row("left by the app", lambda course: f"{course.left:,}")
    for route in _both(comparison, Course.sends):
        yield row(f"sends to {route}", partial(_sends, route))
    yield row("waited, all calls", lambda course: _span(course.waited_s))
    yield row("time to answer, middle", lambda course: _span(course.seconds_to_answer(0.5)))
    yield row("time to answer, 95 %", lambda course: _span(course.seconds_to_answer(0.95)))
    yield row("input tokens", lambda course: f"{course.spent.input:,}")
    yield row("output tokens", lambda course: f"{course.spent.output:,}")
    yield row("cost", _cost)


def difference_words(found: Difference) -> tuple[str, str, str]:
    """Which call, how it ends under the policy in force, how under the new one."""
    kind = f"{found.asked.model or 'no model'}{', stream' if found.asked.stream else ''}"
    return f"{found.number} at {clock_time(found.asked.at_s)} ({kind})", _end(found.old), _end(found.new)


def _end(end: CallEnd) -> str:
    by = " > ".join(end.sends) or "not sent"
    if end.left:
        return f"the app left ({by})"
    status = f"{end.status}"
    said = status if end.error is None or end.error == status else f"{status} {end.error}"
    return f"{said} after {_span(end.seconds)} ({by})"


def _both(comparison: Comparison, counts: Callable[[Course], dict[str, int]]) -> list[str]:
    """The names under which either policy counts something, in order."""
    return list(dict.fromkeys((*counts(comparison.old), *counts(comparison.new))))


def _share(count: int, total: int) -> str:
    return f"{count:,} ({100 * count / total:.1f} %)" if total else "0"


def _failed(cause: str, course: Course) -> str:
    return f"{course.failures().get(cause, 0):,}"


def _sends(route: str, course: Course) -> str:
    sends = course.sends()
    return f"{sends[route]:,}" if route in sends else "-"


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.2f}s" if seconds < 60 else clock_time(seconds)


def _cost(course: Course) -> str:
    usd, unpriced = course.spent.usd, ", ".join(sorted(course.spent.unpriced))
    if not course.snapshot.prices:
        return "no prices set"
    told = [] if usd is None else [f"${usd_text(usd)}"]
    return "; ".join([*told, f"unpriced: {unpriced}"] if unpriced else told) or "-"

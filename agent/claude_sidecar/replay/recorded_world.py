"""What sends meet in a recorded outage: what the nearest send in time met, on the same route and model."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from claude_sidecar.replay.answer import Answer
from claude_sidecar.replay.load import Sent

FAR_S = 30.0
"""Of a send that is further than this from every recorded one, the answer is a guess, and is counted."""


class Met(NamedTuple):
    """One recorded send. at_s: in seconds since the outage's beginning."""

    at_s: float
    route: str
    model: str | None
    answer: Answer


class _Timeline:
    """The sends of one route, or of one model there, in time."""

    def __init__(self, sends: Sequence[Met]) -> None:
        self._sends = sorted(sends, key=lambda met: met.at_s)
        self._times = [met.at_s for met in self._sends]

    def nearest(self, at_s: float) -> Met:
        """The earlier one of two that are equally near."""
        index = bisect_left(self._times, at_s)
        near = self._sends[max(0, index - 1) : index + 1]
        return min(near, key=lambda met: abs(met.at_s - at_s))


class Timelines:
    """The recorded sends by route and by model."""

    def __init__(self, sends: Iterable[Met]) -> None:
        by_model: dict[tuple[str, str | None], list[Met]] = {}
        by_route: dict[str, list[Met]] = {}
        for met in sends:
            by_model.setdefault((met.route, met.model), []).append(met)
            by_route.setdefault(met.route, []).append(met)
        self.of_models = {key: _Timeline(found) for key, found in by_model.items()}
        self.of_routes = {key: _Timeline(found) for key, found in by_route.items()}


class RecordedWorld:
    """timelines: what was met; well: the answer of a route that nobody asked."""

    def __init__(self, timelines: Timelines, well: Answer) -> None:
        self._timelines = timelines
        self._well = well
        self._never_asked: Counter[str] = Counter()
        self._other_model: Counter[tuple[str, str]] = Counter()
        self._far = 0

    def answer(self, route: str, sent: Sent) -> Answer:
        """As World.answer."""
        if sent.call.everywhere is not None:
            return sent.call.everywhere
        timeline = self._timelines.of_models.get((route, sent.model))
        if timeline is None:
            timeline = self._timelines.of_routes.get(route)
            if timeline is None:
                self._never_asked[route] += 1
                return self._well
            self._other_model[route, sent.model or "no model"] += 1
        met = timeline.nearest(sent.at_s)
        if abs(met.at_s - sent.at_s) > FAR_S:
            self._far += 1
        return met.answer

    def assumed(self) -> list[str]:
        """As World.assumed."""
        lines = [
            f"route {route} was never asked in the recording, so nothing is known of it: it is ASSUMED to be "
            f"well all the time ({count:,} sends). If it was not, this prediction is too good"
            for route, count in sorted(self._never_asked.items())
        ]
        lines += [
            f"route {route} was never asked for {model}: it is assumed to do as it did for other models "
            f"({count:,} sends)"
            for (route, model), count in sorted(self._other_model.items())
        ]
        if self._far:
            lines.append(
                f"{self._far:,} sends are more than {FAR_S:g}s from any recorded one on their route: they "
                "are assumed to meet what the nearest one met"
            )
        return lines

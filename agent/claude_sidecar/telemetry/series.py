"""Metric families counted in plain dicts, turned into samples only when a scraper asks.

prometheus_client's own counters take a lock each time, ten times a call; ours belong to one thread, so
they cost a dict look-up. Their number is bounded: label values come from strangers.
"""

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from claude_sidecar.telemetry.names import METRIC_LABELS, OTHER

MOST_SERIES = 2000

Values = tuple[str, ...]


class _Family(Collector):
    """A name with its labels; beyond 2,000 label sets a new one is counted under `_other` in all labels."""

    def __init__(self, registry: CollectorRegistry, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._labels = METRIC_LABELS[name]
        self._others: Values = (OTHER,) * len(self._labels)
        registry.register(self)


class Counter(_Family):
    """A counter family; counted by one thread, the one that renders.

    What is counted in decimals is summed in decimals: a float is made of the sum, not the sum of floats.
    """

    def __init__(self, registry: CollectorRegistry, name: str, text: str) -> None:
        self._counts: dict[Values, Any] = {}
        super().__init__(registry, name, text)

    def add(self, values: Values, amount: float | Decimal = 1) -> None:
        """Count. values: one for each label, in the order of `METRIC_LABELS`; amount: always of one type."""
        counts = self._counts
        if values in counts:
            counts[values] += amount
            return
        if len(counts) >= MOST_SERIES:
            values = self._others
        counts[values] = counts.get(values, 0) + amount

    def collect(self) -> Iterator[Metric]:
        """The samples, for the registry."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for values, count in self._counts.items():
            family.add_metric(values, float(count))
        yield family


class Gauge(_Family):
    """A gauge family; set by one thread, the one that renders."""

    def __init__(self, registry: CollectorRegistry, name: str, text: str) -> None:
        self._levels: dict[Values, float] = {}
        super().__init__(registry, name, text)

    def put(self, values: Values, level: float) -> None:
        """Set the level. values: one for each label."""
        if values not in self._levels and len(self._levels) >= MOST_SERIES:
            values = self._others
        self._levels[values] = level

    def add(self, values: Values, amount: float) -> None:
        """Raise or lower the level, from 0 at first."""
        self.put(values, self._levels.get(values, 0) + amount)

    def keep_first_label(self, known: set[str]) -> None:
        """Forget the series whose first label is none of these: their subject is gone."""
        self._levels = {values: level for values, level in self._levels.items() if values[0] in known}

    def collect(self) -> Iterator[Metric]:
        """The samples, for the registry."""
        family = GaugeMetricFamily(self._name, self._text, labels=self._labels)
        for values, level in self._levels.items():
            family.add_metric(values, level)
        yield family


class _Observed:
    __slots__ = ("counts", "exemplars", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total = 0.0
        self.exemplars: dict[int, Exemplar] = {}


class Histogram(_Family):
    """A histogram family. bounds: upper bounds of the buckets, ascending, without infinity."""

    def __init__(self, registry: CollectorRegistry, name: str, text: str, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._by_values: dict[Values, _Observed] = {}
        super().__init__(registry, name, text)
        if not self._labels:
            self._by_values[()] = _Observed(len(bounds) + 1)

    def observe(self, values: Values, amount: float, trace_id: str | None = None) -> None:
        """Count one observation. trace_id: a trace that shows such a one (an exemplar)."""
        observed = self._by_values.get(values)
        if observed is None:
            observed = self._learn(values)
        bucket = bisect_left(self._bounds, amount)
        observed.counts[bucket] += 1
        observed.total += amount
        if trace_id is not None:
            observed.exemplars[bucket] = Exemplar({"trace_id": trace_id}, amount)

    def _learn(self, values: Values) -> _Observed:
        if len(self._by_values) >= MOST_SERIES:
            values = self._others
        return self._by_values.setdefault(values, _Observed(len(self._bounds) + 1))

    def collect(self) -> Iterator[Metric]:
        """The samples, for the registry."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        ends = [*(str(bound) for bound in self._bounds), "+Inf"]
        for values, observed in self._by_values.items():
            below = 0
            buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
            for number, end in enumerate(ends):
                below += observed.counts[number]
                exemplar = observed.exemplars.get(number)
                buckets.append((end, below) if exemplar is None else (end, below, exemplar))
            family.add_metric(values, buckets, observed.total)
        yield family

"""Sums of what `/metrics` tells, by OpenMetrics text."""

from collections import Counter
from collections.abc import Iterable, Mapping

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def sums(texts: Iterable[str], name: str, *labels: str) -> Counter[tuple[str, ...]]:
    """The samples of this name over all texts, added up by these labels; `_total` belongs to the name."""
    found: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name:
                    found[_values(sample.labels, labels)] += int(sample.value)
    return found


def _values(has: Mapping[str, str], labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(has.get(label, "") for label in labels)

"""Samples of one figure, and how they are told."""

import math
from collections.abc import Sequence


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def told(values: Sequence[float], unit: str = "s") -> str:
    """p50, p99 and how many."""
    return f"p50 {quantile(values, 0.5):.2f} {unit}, p99 {quantile(values, 0.99):.2f} {unit} ({len(values)})"

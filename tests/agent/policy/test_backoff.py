"""Backoff: full jitter under a doubling cap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.policy.backoff import backoff_cap_s, backoff_s

DELAYS = st.floats(0, 86_400)
STEPS = st.integers(0, 10**6)
CHANCES = st.floats(0, 1, exclude_max=True)


@given(DELAYS, DELAYS, STEPS, CHANCES)
def test_delay_lies_between_zero_and_cap(initial: float, longest: float, step: int, chance: float) -> None:
    assert 0 <= backoff_s(initial, longest, step, chance) <= longest


@given(DELAYS, DELAYS, STEPS)
def test_cap_never_falls_from_one_repeat_to_the_next(initial: float, longest: float, step: int) -> None:
    assert backoff_cap_s(initial, longest, step) <= backoff_cap_s(initial, longest, step + 1) <= longest


@pytest.mark.parametrize(
    ("step", "cap"), [(0, 1.0), (1, 2.0), (4, 16.0), (5, 30.0), (63, 30.0), (64, 30.0), (10_000, 30.0)]
)
def test_cap_doubles_from_initial_to_maximum(step: int, cap: float) -> None:
    assert backoff_cap_s(1.0, 30.0, step) == cap


def test_jitter_is_full() -> None:
    assert backoff_s(1.0, 30.0, 2, 0.0) == 0.0
    assert backoff_s(1.0, 30.0, 2, 0.75) == 3.0


@given(DELAYS, STEPS, CHANCES)
def test_initial_of_zero_means_no_backoff(longest: float, step: int, chance: float) -> None:
    assert backoff_s(0.0, longest, step, chance) == 0.0

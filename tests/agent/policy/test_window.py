"""Counts over a trailing window: right to a tenth of the window, whatever the clock does."""

from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.policy.window import TrailingCounts

GAPS = st.lists(st.tuples(st.floats(0, 25), st.integers(0, 3), st.integers(0, 3)), max_size=60)


@given(GAPS, st.sampled_from([1.0, 10.0, 30.0, 0.5]))
def test_sums_are_those_of_the_window_to_a_tenth(gaps: list[tuple[float, int, int]], window: float) -> None:
    counts, now = TrailingCounts(window), 0.0
    seen: list[tuple[float, int, int]] = []
    for gap, first, second in gaps:
        now += gap
        counts.add(now, first, second)
        seen.append((now, first, second))
        for which, total in ((1, counts.first), (2, counts.second)):
            surely = sum(event[which] for event in seen if event[0] > now - 0.9 * window + 1e-6)
            at_most = sum(event[which] for event in seen if event[0] >= now - window - 1e-6)
            assert surely <= total <= at_most


@given(GAPS, st.floats(0, 100))
def test_a_clock_that_goes_back_changes_nothing(gaps: list[tuple[float, int, int]], back: float) -> None:
    counts, now = TrailingCounts(10.0), 200.0
    for gap, first, second in gaps:
        now += gap
        counts.add(now, first, second)
    before = (counts.first, counts.second)
    counts.advance(now - back)
    assert (counts.first, counts.second) == before


def test_counts_leave_the_window_one_tenth_after_another() -> None:
    counts = TrailingCounts(10.0)
    for second in range(10):
        counts.add(second + 0.5, first=1)
    left = []
    for second in range(9, 21):
        counts.advance(second + 0.5)
        left.append(counts.first)
    assert left == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]


def test_a_long_silence_empties_it() -> None:
    counts = TrailingCounts(10.0)
    counts.add(3.0, first=5, second=4)
    counts.advance(1e9)
    assert (counts.first, counts.second) == (0, 0)


def test_cleared_counts_stay_right_as_time_goes_on() -> None:
    counts = TrailingCounts(10.0)
    counts.add(3.0, first=5, second=4)
    counts.clear()
    counts.add(4.0, first=1)
    counts.advance(13.5)
    assert (counts.first, counts.second) == (1, 0)
    counts.advance(14.5)
    assert (counts.first, counts.second) == (0, 0)

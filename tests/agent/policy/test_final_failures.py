"""Failures that were delivered as final: what is a repeat of one, for how long, and how many are kept."""

from hypothesis import given
from hypothesis import strategies as st

from claude_sidecar.policy.final_failures import REMEMBERED_MOST, REMEMBERED_S, FinalFailures

DIGESTS = [bytes([number]) * 16 for number in range(4)]
STEPS = st.lists(
    st.tuples(st.floats(0, 20), st.sampled_from(("remember", "take")), st.integers(0, 3)), max_size=60
)


def test_a_failure_answers_for_one_repeat() -> None:
    failures = FinalFailures()
    failures.remember(DIGESTS[0], 300, now=10.0)
    assert failures.take(DIGESTS[0], now=11.0)
    assert not failures.take(DIGESTS[0], now=12.0)
    assert not failures


def test_failures_of_one_request_at_the_same_time_answer_for_as_many_repeats() -> None:
    failures = FinalFailures()
    for _ in range(3):
        failures.remember(DIGESTS[0], 300, now=10.0)
    assert [failures.take(DIGESTS[0], now=11.0) for _ in range(4)] == [True, True, True, False]


def test_another_request_is_no_repeat() -> None:
    failures = FinalFailures()
    failures.remember(DIGESTS[0], 300, now=10.0)
    assert not failures.take(DIGESTS[1], now=11.0)
    assert failures.may_know(300, now=11.0)
    assert not failures.may_know(301, now=11.0)


def test_a_failure_is_forgotten_after_its_time() -> None:
    failures = FinalFailures()
    failures.remember(DIGESTS[0], 300, now=10.0)
    assert failures.may_know(300, now=10.0 + REMEMBERED_S)
    assert not failures.may_know(300, now=10.1 + REMEMBERED_S)
    assert not failures.take(DIGESTS[0], now=10.1 + REMEMBERED_S)


def test_the_oldest_failure_gives_way_to_one_too_many() -> None:
    failures = FinalFailures()
    for number in range(REMEMBERED_MOST + 1):
        failures.remember(number.to_bytes(16), number, now=10.0 + number / 1000)
    assert len(failures) == REMEMBERED_MOST
    assert not failures.may_know(0, now=11.0)
    assert failures.may_know(1, now=11.0)


@given(STEPS)
def test_repeats_are_never_more_than_the_failures_of_the_last_seconds(
    steps: list[tuple[float, str, int]],
) -> None:
    failures, now = FinalFailures(), 0.0
    delivered: dict[int, list[float]] = {}
    for gap, what, which in steps:
        now += gap
        if what == "remember":
            failures.remember(DIGESTS[which], which, now)
            delivered.setdefault(which, []).append(now)
        elif failures.take(DIGESTS[which], now):
            assert now - delivered[which][-1] <= REMEMBERED_S
            delivered[which].pop(0)
        assert not failures.may_know(which, now) or delivered[which]

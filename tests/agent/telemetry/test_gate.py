"""The gate lets so many traces a second through, troubles apart from successes."""

from claude_sidecar.telemetry.traces import TraceGate


def admitted(gate: TraceGate, moments: list[float], *, trouble: bool = False, per_s: float = 10.0) -> int:
    return sum(gate.admits(now, trouble=trouble, parent_sampled=False, per_s=per_s) for now in moments)


def test_no_more_than_the_rate_passes_in_one_second() -> None:
    gate = TraceGate()
    assert admitted(gate, [5.0] * 25) == 10


def test_the_bucket_refills_evenly() -> None:
    gate = TraceGate()
    admitted(gate, [5.0] * 10)
    assert admitted(gate, [5.5] * 10) == 5
    assert admitted(gate, [60.0] * 30) == 10


def test_successes_do_not_use_up_what_troubles_may_take() -> None:
    gate = TraceGate()
    admitted(gate, [5.0] * 100)
    assert admitted(gate, [5.0] * 100, trouble=True, per_s=50.0) == 50


def test_a_rate_of_zero_lets_nothing_through_but_sampled_parents() -> None:
    gate = TraceGate()
    assert admitted(gate, [1.0, 100.0], per_s=0.0) == 0
    assert gate.admits(100.0, trouble=False, parent_sampled=True, per_s=0.0)


def test_sampled_parents_cost_the_rate_nothing() -> None:
    gate = TraceGate()
    assert all(gate.admits(1.0, trouble=False, parent_sampled=True, per_s=10.0) for _ in range(100))
    assert admitted(gate, [1.0] * 20) == 10


def test_a_rate_below_one_still_admits_one_now_and_then() -> None:
    gate = TraceGate()
    assert admitted(gate, [0.0, 1.0, 2.0, 4.0, 5.0, 8.1], per_s=0.25) == 3


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    gate = TraceGate()
    admitted(gate, [10.0] * 10)
    assert admitted(gate, [1.0] * 10) == 0
    assert admitted(gate, [10.0] * 10) == 0

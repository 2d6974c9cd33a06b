"""The table of `python -m bench.paired`: ratios are taken round by round."""

from bench.paired import table


def test_a_machine_that_slows_down_midway_does_not_change_the_ratio() -> None:
    rounds = [(100.0, 90.0), (200.0, 180.0), (210.0, 189.0)]
    quick = [(1.0, 1.0)] * 3
    lines = table({"call_us": rounds, "event_us": quick, "rss_mb": quick, "ready_s": quick}).splitlines()
    assert lines[2] == "| processor time of a small call | us | 200.0 | 180.0 | 0.900 | 0.900 .. 0.900 |"

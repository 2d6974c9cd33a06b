"""Two policies at once come to what they come to one after the other."""

import pytest
from support.played import outage, policy

from claude_sidecar.replay import side_by_side
from claude_sidecar.replay.outage_file import outage_in

TEXT = outage("{status: 529, match: {window: [2, 8]}}", load="{calls_per_second: 5}", lasts=12)


def both(told: list[int]):
    made = outage_in(TEXT.encode(), "outage.yaml")
    return side_by_side.play_both(made, policy(), policy("one", "two"), 1, told.append)


@pytest.mark.processes
def test_two_processes_come_to_what_one_comes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = both([])
    monkeypatch.setattr(side_by_side, "_WORTH_A_PROCESS", 1)
    monkeypatch.setattr(side_by_side, "_has_two_processors", lambda: True)
    told: list[int] = []
    assert both(told) == alone
    assert told == list(range(1, 61))


def test_one_process_tells_how_far_both_are() -> None:
    told: list[int] = []
    both(told)
    assert told == sorted(told)
    assert (len(told), told[-1]) == (120, 60)

"""A model that thinks in silence, through the official SDKs: none gives up, and what fails late is told."""

from typing import Any

import pytest

SCENES = [
    {"name": "thought", "do": "stream", "headers": {"x-simulate": "stall-at-event=3; stall=5"}},
    {
        "name": "late error",
        "do": "stream",
        "headers": {"x-simulate": "stall-at-event=3; stall=2; error-at-event=4; output-tokens=40"},
    },
]
LATE_ERROR = {
    "python-new": ("APIStatusError", 200),
    "python-0x": ("APIStatusError", 200),
    "node-new": ("APIError", None),
    "node-0x": ("APIError", None),
    "go-v2": ("Error", 200),
    "go-v1": ("Error", 200),
}


@pytest.fixture(scope="module")
def lines(sdk: str, play: Any, sidecar: Any) -> list[Any]:
    """What an SDK that bears two silent seconds makes of five, and of two with an error behind them."""
    played: list[Any] = play(sdk, sidecar.url, SCENES, 0, read_timeout_s=2)
    return played


def test_silence_of_more_than_twice_the_read_time_out_is_survived(lines: Any) -> None:
    thought = lines[0]["ok"]
    assert thought["text"] == thought["joined"] != ""
    assert thought["stop_reason"] == "end_turn"


def test_error_behind_an_opened_head_is_the_sdks_error_event(sdk: str, lines: Any) -> None:
    error = lines[1]["error"]
    assert (error["class"], error["status"]) == LATE_ERROR[sdk]
    assert "overloaded_error" in error["type"]

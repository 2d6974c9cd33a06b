"""A model that thinks in silence, through the official SDKs: none gives up, and what fails late is told."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.clients.conftest import SDKS

READ_TIMEOUT_S = 4
SCENES = [
    {"name": "thought", "do": "stream", "headers": {"x-simulate": "stall-at-event=3; stall=7"}},
    {
        "name": "late error",
        "do": "stream",
        "headers": {"x-simulate": "stall-at-event=3; stall=3; error-at-event=4; output-tokens=40"},
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
def played(play: Any, sidecar: Any) -> dict[str, list[Any]]:
    """What each SDK makes of silence beyond its read time-out, and of an error behind one; side by side."""

    def run(sdk: str) -> list[Any]:
        lines: list[Any] = play(sdk, sidecar.url, SCENES, 0, read_timeout_s=READ_TIMEOUT_S)
        return lines

    with ThreadPoolExecutor(len(SDKS)) as side_by_side:
        return dict(zip(SDKS, side_by_side.map(run, SDKS), strict=True))


@pytest.fixture
def lines(sdk: str, played: dict[str, list[Any]]) -> list[Any]:
    """One SDK's part."""
    return played[sdk]


def test_silence_beyond_the_read_time_out_is_survived(lines: Any) -> None:
    thought = lines[0]["ok"]
    assert thought["text"] == thought["joined"] != ""
    assert thought["stop_reason"] == "end_turn"


def test_error_behind_an_opened_head_is_the_sdks_error_event(sdk: str, lines: Any) -> None:
    error = lines[1]["error"]
    assert (error["class"], error["status"]) == LATE_ERROR[sdk]
    assert "overloaded_error" in error["type"]

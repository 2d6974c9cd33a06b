"""The SDKs' own repeats do not multiply the sidecar's: four sends are four, whatever the SDK would do."""

from typing import Any

import pytest

OPENING = "error-at-event=0;error-type=overloaded_error;times=2"


@pytest.fixture(scope="module")
def played(sdk: str, play: Any, sidecar: Any) -> Any:
    """Each SDK's lines, by scene, with as many repeats of its own as it has by default."""
    scenes: list[Any] = [
        {"name": "message", "do": "message", "model": "claude-opus-5", "headers": {}},
        {"name": "stream", "do": "stream", "model": "claude-opus-5", "headers": {}},
        {"name": "opening", "do": "stream", "headers": {"x-simulate": OPENING, "x-simulate-id": sdk}},
    ]
    for scene in scenes:
        scene["headers"] |= {"x-scene": f"{scene['name']} {sdk}"}
    return {line["name"]: line for line in play(sdk, sidecar.url, scenes)}


@pytest.mark.parametrize("do", ["message", "stream"])
def test_upstream_that_is_always_overloaded_sees_exactly_four_sends(
    sdk: str, do: str, played: Any, upstream: Any
) -> None:
    line = played[do]
    assert [call["status"] for call in upstream.calls_of(f"{do} {sdk}")] == [529] * 4
    assert line["error"]["status"] == 529
    assert line["error"]["type"] == "overloaded_error"
    assert line["attempts"] == "4"
    assert line["cause"] == "Overloaded"


def test_stream_that_is_overloaded_in_its_first_event_is_cured_before_the_sdk_sees_it(
    sdk: str, played: Any, upstream: Any
) -> None:
    line = played["opening"]
    assert line["ok"]["joined"] == line["ok"]["text"] != ""
    assert line["attempts"] == "3"
    assert len(upstream.calls_of(f"opening {sdk}")) == 3

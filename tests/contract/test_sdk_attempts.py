"""The SDKs' own repeats do not multiply the sidecar's: four sends are four, whatever the SDK would do."""

from typing import Any

import pytest


@pytest.mark.parametrize("do", ["message", "stream"])
def test_upstream_that_is_always_overloaded_sees_exactly_four_sends(
    sdk: str, do: str, play: Any, upstream: Any, sidecar: Any
) -> None:
    scene = f"overloaded {do} {sdk}"
    asked = [{"name": scene, "do": do, "model": "claude-opus-5", "headers": {"x-scene": scene}}]
    (line,) = play(sdk, sidecar.url, asked)
    calls = upstream.calls_of(scene)
    assert [call["status"] for call in calls] == [529] * 4
    assert line["error"]["status"] == 529
    assert line["error"]["type"] == "overloaded_error"
    assert line["attempts"] == "4"
    assert line["cause"] == "Overloaded"


def test_stream_that_is_overloaded_in_its_first_event_is_cured_before_the_sdk_sees_it(
    sdk: str, play: Any, upstream: Any, sidecar: Any
) -> None:
    scene = f"first event {sdk}"
    fault = "error-at-event=0;error-type=overloaded_error;times=2"
    headers = {"x-simulate": fault, "x-simulate-id": scene, "x-scene": scene}
    (line,) = play(sdk, sidecar.url, [{"name": scene, "do": "stream", "headers": headers}])
    assert line["ok"]["joined"] == line["ok"]["text"] != ""
    assert line["attempts"] == "3"
    assert len(upstream.calls_of(scene)) == 3

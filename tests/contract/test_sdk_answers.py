"""What the official SDKs make of good answers is the same with the sidecar as without it."""

from typing import Any

DOINGS = ("message", "stream", "tool", "count_tokens", "models", "upload", "batch_results")


def test_sdk_makes_the_same_of_every_answer_as_without_the_sidecar(
    sdk: str, play: Any, upstream: Any, sidecar: Any
) -> None:
    scenes = [{"name": do, "do": do} for do in DOINGS]
    direct = play(sdk, upstream.url, scenes)
    through = play(sdk, sidecar.url, scenes)
    assert [line.get("ok") for line in direct] == [line.get("ok") for line in through]
    assert all(line["ok"] for line in through)
    assert [line["route"] for line in through] == ["simulated"] * len(DOINGS)
    assert [line["attempts"] for line in through] == ["1"] * len(DOINGS)
    assert [line["cause"] for line in through] == [None] * len(DOINGS)
    assert [line["route"] for line in direct] == [None] * len(DOINGS)


def test_sdk_gets_what_each_call_is_for(sdk: str, play: Any, sidecar: Any) -> None:
    scenes = [{"name": do, "do": do} for do in DOINGS]
    made = {line["name"]: line["ok"] for line in play(sdk, sidecar.url, scenes)}
    assert made["message"]["text"]
    assert made["message"]["model"] == "claude-sonnet-4-6"
    assert made["stream"]["joined"] == made["stream"]["text"] != ""
    assert made["stream"]["pieces"] > 1
    assert made["stream"]["output_tokens"] > 1
    assert made["tool"] == {
        "tool": "get_weather",
        "input": {"place": "example"},
        "stop_reason": "tool_use",
    }
    assert made["count_tokens"]["input_tokens"] > 0
    assert "claude-sonnet-4-6" in made["models"]["ids"]
    assert made["upload"] == {"filename": "sea.txt", "size": 5000, "mime_type": "text/plain"}


def test_batch_results_come_through_the_sidecar_and_not_around_it(
    sdk: str, play: Any, upstream: Any, sidecar: Any
) -> None:
    scene = f"batch {sdk}"
    asked = [{"name": scene, "do": "batch_results", "headers": {"x-scene": scene}}]
    (line,) = play(sdk, sidecar.url, asked)
    assert line["ok"]["results"] == [["one", "succeeded"], ["two", "succeeded"]]
    assert line["ok"]["results_url_is_under_base_url"] is True
    results = [call for call in upstream.calls_of(scene) if call["path"].endswith("/results")]
    assert [call["status"] for call in results] == [200]

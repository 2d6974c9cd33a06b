"""What the official SDKs make of good answers is the same with the sidecar as without it."""

from typing import Any

import pytest

DOINGS = ("message", "stream", "tool", "count_tokens", "models", "upload", "batch_results")


@pytest.fixture(scope="module")
def both(sdk: str, play: Any, upstream: Any, sidecar: Any) -> Any:
    """Each SDK's lines without the sidecar, and with it."""

    def scenes(way: str) -> list[Any]:
        return [{"name": do, "do": do, "headers": {"x-scene": f"{way} {do} {sdk}"}} for do in DOINGS]

    return play(sdk, upstream.url, scenes("direct")), play(sdk, sidecar.url, scenes("through"))


def test_sdk_makes_the_same_of_every_answer_as_without_the_sidecar(both: Any) -> None:
    direct, through = both
    assert [line.get("ok") for line in direct] == [line.get("ok") for line in through]
    assert all(line["ok"] for line in through)
    assert [line["route"] for line in through] == ["simulated"] * len(DOINGS)
    assert [line["attempts"] for line in through] == ["1"] * len(DOINGS)
    assert [line["cause"] for line in through] == [None] * len(DOINGS)
    assert [line["route"] for line in direct] == [None] * len(DOINGS)


def test_sdk_gets_what_each_call_is_for(both: Any) -> None:
    made = {line["name"]: line["ok"] for line in both[1]}
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


def test_batch_results_come_through_the_sidecar_and_not_around_it(sdk: str, both: Any, upstream: Any) -> None:
    made = both[1][DOINGS.index("batch_results")]["ok"]
    assert made["results"] == [["one", "succeeded"], ["two", "succeeded"]]
    assert made["results_url_is_under_base_url"] is True
    calls = upstream.calls_of(f"through batch_results {sdk}")
    assert [call["status"] for call in calls if call["path"].endswith("/results")] == [200]

"""`/requests` and the log line name the rule behind each attempt, each wait and the end of a call."""

import asyncio
import json
import logging

import pytest
from support.fakes.scripted_upstream import Hang, ScriptedUpstream
from support.fakes.wire_bytes import answer, error

pytestmark = pytest.mark.looptime

OVERLOADED = error(529, "overloaded_error")
PACE = {"initial": "1s", "max": "30s"}


async def test_each_step_of_a_call_is_told_with_its_rule_and_what_that_says(started) -> None:
    first, second = (ScriptedUpstream(otherwise=OVERLOADED) for _ in range(2))
    async with started(first, second, retry={"maxAttempts": 3, "backoff": PACE}) as bench:
        assert (await bench.message()).status == 529
        (call,) = await bench.admin_json("/requests")
    assert [(attempt["route"], attempt["rule"]) for attempt in call["attempts"]] == [
        ("first", "first of a round"),
        ("second", "next route"),
        ("first", "first of a round"),
    ]
    assert [wait["rule"] for wait in call["waits"]] == ["backoff"]
    assert call["endRule"] == "attempts spent"
    assert call["attempts"][1]["because"].startswith("fallback.causes names Overloaded")
    assert "retry.causes names Overloaded" in call["waits"][0]["because"]
    assert call["endBecause"].startswith("3 of 3 made")


async def test_a_call_that_goes_well_is_told_with_its_rules_too(started) -> None:
    async with started(ScriptedUpstream(otherwise=answer())) as bench:
        assert (await bench.message()).status == 200
        (call,) = await bench.admin_json("/requests")
    assert ([attempt["rule"] for attempt in call["attempts"]], call["endRule"]) == (
        ["first of a round"],
        "answered",
    )


async def test_the_deadline_is_told_from_the_calls_arrival(started) -> None:
    """The loop's own clock, on which deadlines are kept, tells nobody anything."""
    async with started(ScriptedUpstream(otherwise=[Hang()]), timeouts={"total": "10s"}) as bench:
        await bench.message(stream=True)
        await bench.message(stream=True)
        for call in await bench.admin_json("/requests"):
            assert call["endRule"] == "deadline passed"
            assert call["endBecause"].startswith("9.75s after arrival")


async def test_a_call_that_no_rule_ended_is_told_without_one(started) -> None:
    async with started(ScriptedUpstream(), limits={"maxConcurrent": 1, "maxBodyMiB": 1}) as bench:
        assert (await bench.message(prompt="x" * (2 << 20))).status == 413
        (call,) = await bench.admin_json("/requests")
    assert (call["attempts"], call["endRule"], call["endBecause"]) == ([], None, None)


async def test_what_a_rule_says_holds_no_name_that_the_caller_chose(started) -> None:
    """Who swaps two variables sends a key as the model."""
    routes = [{"models": [{"name": "claude-opus-5"}]}]
    async with started(ScriptedUpstream(), routes=routes) as bench:
        assert (await bench.message(model="sk-ant-api03-swapped")).status == 503
        (call,) = await bench.admin_json("/requests")
    assert call["endRule"] == "no route serves the model"
    assert "sk-ant" not in json.dumps(call)


async def test_the_log_line_names_the_rule_that_ended_the_call(started, caplog) -> None:
    caplog.set_level(logging.INFO, "claude_sidecar.calls")
    async with started(ScriptedUpstream([OVERLOADED], answer())) as bench:
        await bench.message()
    (line,) = [record for record in caplog.records if record.name == "claude_sidecar.calls"]
    assert line.facts["end_rule"] == "answered"


async def test_a_route_that_is_passed_over_is_told_with_the_reason(started, tmp_path) -> None:
    key = tmp_path / "key"
    key.write_text("sk-ant-api03-own")
    routes = [{"credential": {"file": str(key)}}, {}]
    async with started(ScriptedUpstream(), ScriptedUpstream(otherwise=answer()), routes=routes) as bench:
        key.unlink()
        await asyncio.sleep(1.1)
        assert (await bench.message()).status == 200
        (call,) = await bench.admin_json("/requests")
    assert call["attempts"][0]["because"].endswith("; passed over: first (its credential is missing)")

"""`explain` retells a real call from `/requests` and from the log line: the same steps, as they were."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from support.fakes.raw_client import connected, request_bytes
from support.fakes.scripted_upstream import Hang, Pause, Reset, ScriptedUpstream
from support.fakes.wire_bytes import MODEL, answer, error, message_body, stream_answer, stream_events

from claude_sidecar.cli.call_lines import first_call
from claude_sidecar.cli.retelling import retold
from claude_sidecar.cli.timeline import Timeline, text_of
from claude_sidecar.cli.told_call import listed_call
from claude_sidecar.telemetry.log import JsonLines

pytestmark = pytest.mark.looptime

OVERLOADED = error(529, "overloaded_error")
PACE = {"maxAttempts": 3, "backoff": {"initial": "1s", "max": "30s"}}


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[Any], Any]:
    """Retells a bench's only call, once it was seen to be the same from both sources."""
    caplog.set_level(logging.INFO, "claude_sidecar.calls")

    async def told(bench: Any) -> Timeline:
        (entry,) = await bench.admin_json("/requests")
        lines = [JsonLines().format(record).encode() for record in caplog.records]
        listed, logged = listed_call(entry), first_call(iter(lines))
        timeline = retold(listed, None, "")
        assert retold(logged, None, "").entries == timeline.entries
        assert (logged.hint, logged.policy_hash) == (listed.hint, listed.policy_hash)
        assert len(listed.sends) == len(entry["attempts"])
        assert len(listed.steps) == len(entry["attempts"]) + len(entry["waits"])
        return timeline

    return told


def steps(timeline: Timeline) -> list[str]:
    return [f"{entry.does}: {entry.came}" if entry.came else entry.does for entry in timeline.entries]


async def test_a_call_that_moved_and_waited_is_retold_step_by_step(started, told, monkeypatch) -> None:
    monkeypatch.setattr("claude_sidecar.clock.chance", lambda: 0.5)
    first = ScriptedUpstream([OVERLOADED, [Pause(2), answer()]])
    async with started(first, ScriptedUpstream([[Pause(1), Reset()]]), retry=PACE) as bench:
        assert (await bench.message()).status == 200
        timeline = await told(bench)
    assert steps(timeline) == [
        "send to first: 529, Overloaded, overloaded_error, req_1 after 0s",
        "send to second: no response, ConnectionFailure after 1s",
        "wait 1.5s",
        "send to first: 200, fine after 2s",
        "deliver 200 after 3 attempts",
    ]
    assert [entry.at_s for entry in timeline.entries] == [0, 0, 1, 2.5, 4.5]
    assert [entry.rule for entry in timeline.entries][1:] == [
        "next route",
        "backoff",
        "first of a round",
        "answered",
    ]
    assert timeline.to_do == "nothing: the sidecar cured it"
    assert "in all: 3 attempts, 1.5s of waits, 4.5s from its arrival to its end" in text_of(timeline)


async def test_a_call_that_failed_is_retold_with_its_hint_and_what_to_do(started, told) -> None:
    async with started(ScriptedUpstream(otherwise=error(404, "not_found_error"))) as bench:
        got = await bench.message(model="claude-opus-4.8")
        timeline = await told(bench)
    assert steps(timeline)[-1] == "deliver 404 unchanged after 1 attempt"
    assert timeline.entries[-1].seen == "the app saw x-claude-sidecar-cause: NotFound"
    assert timeline.hint == got.header("x-claude-sidecar-hint")
    assert "fallback.causes" in (timeline.to_do or "")


async def test_a_substitute_is_retold_by_its_own_name(started, told) -> None:
    fallback = {"substitutions": [{"model": MODEL, "with": ["claude-sonnet-4-6"]}]}
    async with started(ScriptedUpstream([OVERLOADED], answer()), fallback=fallback) as bench:
        await bench.message()
        timeline = await told(bench)
    assert timeline.entries[1].does == "send to first as claude-sonnet-4-6"


async def test_a_call_without_an_answer_is_retold_with_our_own_error(started, told) -> None:
    async with started(ScriptedUpstream(otherwise=[Reset()]), retry={"maxAttempts": 2}) as bench:
        await bench.message()
        assert steps(await told(bench))[-1] == "answer gateway_unreachable (502) after 2 attempts"


async def test_a_call_that_was_refused_unsent_is_retold_without_a_rule(started, told) -> None:
    async with started(ScriptedUpstream(), limits={"maxBodyMiB": 1}) as bench:
        await bench.message(prompt="x" * (2 << 20))
        (end,) = (await told(bench)).entries
    assert (end.does, end.rule) == ("answer gateway_request_too_large (413) after 0 attempts", None)


async def test_a_call_whose_app_left_is_retold_so(started, told) -> None:
    async with started(ScriptedUpstream([OVERLOADED], [Hang()])) as bench:
        async with connected(bench.port) as app:
            await app.send(request_bytes(body=message_body()))
            await asyncio.sleep(3)
        await asyncio.sleep(1)
        timeline = await told(bench)
    assert steps(timeline)[1:] == [
        "send to first: given up after 3s: the app went away",
        "the app went away after 2 attempts",
    ]
    assert timeline.to_do is None


async def test_a_stream_that_breaks_off_is_retold_so(started, told) -> None:
    events = stream_events(12)
    broken = [stream_answer(events)[:-600], Reset()]
    async with started(ScriptedUpstream(otherwise=broken)) as bench:
        await bench.message(stream=True)
        assert steps(await told(bench))[-1] == (
            "break off the answer 200 (gateway_stream_interrupted) after 1 attempt"
        )


async def test_an_open_stream_that_fails_is_retold_so(started, told) -> None:
    begun = stream_answer(stream_events(12)).partition(b"event: content_block_delta")[0]
    stream = {"quietAfter": "1s"}
    async with started(
        ScriptedUpstream(otherwise=[begun, Pause(3), Reset()]), stream=stream, retry={"maxAttempts": 1}
    ) as bench:
        await bench.message(stream=True)
        end = (await told(bench)).entries[-1]
    assert end.does == "end the open stream with an error event (gateway_unreachable) after 1 attempt"
    assert json.dumps(end.seen) == "null"

"""What `/requests` lists, played again under the policy that served it, comes to the same ends."""

import asyncio
import json

import pytest
from support.fakes.raw_client import request_bytes
from support.fakes.scripted_upstream import ScriptedUpstream
from support.fakes.wire_bytes import answer, error, message_body, stream_answer, stream_events

from claude_sidecar.replay.outage_file import outage_in
from claude_sidecar.replay.play import play

pytestmark = pytest.mark.looptime

NO_PAUSE = {"backoff": {"initial": "0s", "max": "0s"}, "maxAttempts": 3}


async def test_a_recording_under_its_own_policy_comes_to_the_same_ends(started) -> None:
    limited = error(429, "rate_limit_error", lines=[("retry-after", "2")])
    first = ScriptedUpstream(
        [answer(), error(529), limited, answer(), error(400), stream_answer(stream_events())],
        otherwise=error(529),
    )
    second = ScriptedUpstream(otherwise=answer())
    async with started(first, second, retry=NO_PAUSE) as bench:
        for stream in (False, False, False, False, True, False):
            await bench.ask(request_bytes(body=message_body(stream=stream)))
            await asyncio.sleep(10)
        listed = await bench.admin_json("/requests")
        snapshot = bench.sidecar.policy.snapshot()
    outage = outage_in(json.dumps(listed).encode(), "calls.json")
    course = await asyncio.to_thread(play, outage, snapshot, 0)
    happened = [
        (call["status"], call["errorType"], tuple(sent["route"] for sent in call["attempts"]))
        for call in listed[::-1]
    ]
    assert [(end.status, end.error, end.sends) for end in course.ends] == happened
    assert outage.recorded is not None
    assert (outage.recorded.policy_hash, outage.recorded.answered) == (snapshot.hash, course.answered)
    assert course.sends() == outage.recorded.sends

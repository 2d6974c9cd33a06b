"""Trouble at every position of a 40-event stream: cured before the first delta, told after it."""

import json
from contextlib import asynccontextmanager

import pytest
from support.fakes.raw_client import RawAnswer, ask, request_bytes
from support.fakes.scripted_upstream import Close, Hang, Pause, Reset, ScriptedUpstream, Step
from support.fakes.wire_bytes import (
    LAST_CHUNK,
    OVERLOADED_EVENT,
    STREAM_HEAD,
    chunk,
    message_body,
    stream_answer,
    stream_events,
)

pytestmark = pytest.mark.looptime

EARLY = 4
EVENTS = stream_events(40, early=EARLY)
REQUEST = request_bytes(body=message_body(stream=True))
WIDE = {"maxAttempts": 2, "budget": {"percent": 100, "minPerSecond": 1000}}
TIMEOUTS = {"idle": "5s", "total": "10m"}

TROUBLE: dict[str, list[Step]] = {
    "error event": [chunk(OVERLOADED_EVENT) + LAST_CHUNK, Close()],
    "error event on an open stream": [chunk(OVERLOADED_EVENT), Hang()],
    "reset": [Pause(0.01), Reset()],
    "close": [Close()],
    "stall": [Hang()],
    "clean end": [LAST_CHUNK],
}


def broken_at(position: int, trouble: list[Step], *, tail: bytes = b"") -> list[Step]:
    """A stream of `position` events and `tail`, then trouble."""
    sent = STREAM_HEAD + b"".join(chunk(one) for one in EVENTS[:position]) + (chunk(tail) if tail else b"")
    return [sent, *trouble]


def assert_flawless(got: RawAnswer, where: str) -> None:
    assert (got.status, got.body, got.end) == (200, b"".join(EVENTS), "whole"), where
    assert got.header("x-claude-sidecar-attempts") == "2", where


def assert_interrupted(got: RawAnswer, whole: bytes, where: str) -> None:
    """Whole events, then our error event, the final chunk, a closed connection."""
    assert got.status == 200, where
    assert got.body.startswith(whole), where
    last = got.body[len(whole) :]
    assert last.startswith(b"event: error\ndata: {"), (where, last)
    assert last.endswith(b"}\n\n"), where
    told = json.loads(last.removeprefix(b"event: error\ndata: "))
    assert (told["type"], told["error"]["type"]) == ("error", "gateway_stream_interrupted"), where
    assert told["request_id"].startswith("sc_"), where
    assert (got.end, got.closed) == ("whole", True), where


@pytest.fixture
def asked(started):
    """`async with asked(hold) as ask_at:` gives the answer to a call whose first send plays a script."""

    @asynccontextmanager
    async def start(hold: str = "FirstDelta"):
        upstream = ScriptedUpstream()
        stream = {"hold": hold, "holdMax": "30s"}
        async with started(upstream, retry=WIDE, timeouts=TIMEOUTS, stream=stream) as bench:

            async def ask_with(script: list[Step]) -> RawAnswer:
                upstream.requests.clear()
                upstream.scripts = [script, stream_answer(EVENTS)]
                return await bench.ask(REQUEST)

            yield ask_with

    return start


@pytest.mark.parametrize("hold", ["FirstDelta", "Headers"])
@pytest.mark.parametrize("kind", TROUBLE)
async def test_trouble_at_every_position(kind, hold, asked) -> None:
    async with asked(hold) as ask_with:
        for position in range(len(EVENTS)):
            got = await ask_with(broken_at(position, TROUBLE[kind]))
            where = f"{kind} after {position} events, hold {hold}"
            sent = b"".join(EVENTS[:position])
            if hold == "FirstDelta" and position <= EARLY:
                assert_flawless(got, where)
            elif kind.startswith("error event"):
                assert (got.body, got.end) == (sent + OVERLOADED_EVENT, "whole"), where
                assert got.header("x-claude-sidecar-attempts") == "1", where
            else:
                assert_interrupted(got, sent, where)


@pytest.mark.parametrize("kind", ["reset", "close", "stall", "clean end"])
async def test_trouble_after_message_stop_is_none(kind, asked) -> None:
    async with asked() as ask_with:
        got = await ask_with(broken_at(40, TROUBLE[kind]))
        assert (got.body, got.end) == (b"".join(EVENTS), "whole")
        assert got.header("x-claude-sidecar-attempts") == "1"


@pytest.mark.parametrize("hold", ["FirstDelta", "Headers"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("kind", ["reset", "stall", "clean end"])
async def test_truncation_in_mid_event_relays_whole_events_only(kind, share, hold, asked) -> None:
    async with asked(hold) as ask_with:
        for position in range(len(EVENTS)):
            event = EVENTS[position]
            # At share 1.0 only the end of the data and the blank line are missing.
            cut = len(event) - 4 if share == 1.0 else max(1, int(len(event) * share))
            got = await ask_with(broken_at(position, TROUBLE[kind], tail=event[:cut]))
            where = f"{kind} in event {position}, hold {hold}"
            if hold == "FirstDelta" and position <= EARLY:
                assert_flawless(got, where)
            else:
                assert_interrupted(got, b"".join(EVENTS[:position]), where)


async def test_truncation_in_mid_error_event_becomes_ours(asked) -> None:
    async with asked() as ask_with:
        for position in range(EARLY + 1, 40, 7):
            got = await ask_with(broken_at(position, TROUBLE["clean end"], tail=OVERLOADED_EVENT[:-8]))
            assert_interrupted(got, b"".join(EVENTS[:position]), f"cut error event after {position}")


async def test_flawless_stream_has_the_bytes_of_a_direct_one(started) -> None:
    upstream = ScriptedUpstream(otherwise=stream_answer(EVENTS))
    async with started(upstream) as bench:
        direct = await ask(upstream.port, REQUEST)
        got = await bench.ask(REQUEST)
        assert got.body == direct.body
        assert got.lines[:2] == direct.lines[:2]
        assert got.closed is False


async def test_when_no_attempt_gets_to_a_delta_the_answer_is_an_error_of_ours(started) -> None:
    upstream = ScriptedUpstream(otherwise=broken_at(2, TROUBLE["reset"]))
    async with started(upstream, retry=WIDE) as bench:
        got = await bench.ask(REQUEST)
        assert got.status == 502
        assert json.loads(got.body)["error"]["type"] == "gateway_unreachable"
        assert len(upstream.requests) == 2


async def test_when_every_attempt_opens_with_an_error_event_the_last_stream_is_delivered(started) -> None:
    upstream = ScriptedUpstream(otherwise=broken_at(2, TROUBLE["error event"]))
    async with started(upstream, retry=WIDE) as bench:
        got = await bench.ask(REQUEST)
        assert (got.status, got.body) == (200, b"".join(EVENTS[:2]) + OVERLOADED_EVENT)
        assert got.header("x-claude-sidecar-attempts") == "2"
        assert got.header("x-claude-sidecar-cause") == "Overloaded"
        assert got.header("x-should-retry") == "false"

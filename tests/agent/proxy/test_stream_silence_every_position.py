"""Forty silent seconds at every position of a stream, and trouble behind them: cured, or told."""

import json
from contextlib import asynccontextmanager

import pytest
from support.fakes.raw_client import TimedAnswer, request_bytes, watch
from support.fakes.scripted_upstream import Close, Hang, Pause, Reset, ScriptedUpstream, Step
from support.fakes.sse_reader import ReadEvent, read_events, without_pings
from support.fakes.wire_bytes import (
    LAST_CHUNK,
    OVERLOADED_EVENT,
    PING,
    STREAM_HEAD,
    chunk,
    message_body,
    stream_answer,
    stream_events,
)

pytestmark = [pytest.mark.looptime, pytest.mark.long]

EARLY = 4
COUNT = 60
EVENTS = stream_events(COUNT, early=EARLY)
WIDE = {"maxAttempts": 2, "budget": {"percent": 100, "minPerSecond": 1000}}
WHOLE = without_pings(read_events(b"".join(EVENTS)))
OVERLOADED = read_events(OVERLOADED_EVENT)
PATIENCE_S = 31.0
"""What the app's read time-out is: twice the time after which a ping must have come, and a bit."""

REQUEST = request_bytes(
    lines=[(b"x-stainless-timeout", b"62")],
    body=message_body(stream=True),
)
TROUBLE: dict[str, list[Step]] = {
    "error event": [chunk(OVERLOADED_EVENT) + LAST_CHUNK, Close()],
    "error event on an open stream": [chunk(OVERLOADED_EVENT), Hang()],
    "reset": [Pause(0.01), Reset()],
    "close": [Close()],
    "stall": [Hang()],
    "clean end": [LAST_CHUNK],
}
SILENCE: dict[str, list[Step]] = {
    "silent": [Pause(40)],
    "pings": [step for _ in range(4) for step in (Pause(10), chunk(PING))],
    "comments": [step for _ in range(4) for step in (Pause(10), chunk(b": still here\n\n"))],
}


def script(position: int, silence: list[Step], trouble: list[Step]) -> list[Step]:
    """A stream of `position` events, then silence, then trouble."""
    sent = STREAM_HEAD + b"".join(chunk(one) for one in EVENTS[:position])
    return [sent, *silence, *trouble]


@pytest.fixture
def asked(started):
    """`async with asked(hold) as ask:` gives the answer to a call whose first send plays a script."""

    @asynccontextmanager
    async def start(hold: str):
        upstream = ScriptedUpstream()
        spec = {"stream": {"hold": hold}, "timeouts": {"idle": "50s"}, "retry": WIDE}
        async with started(upstream, **spec) as bench:

            async def ask(steps: list[Step]) -> TimedAnswer:
                upstream.requests.clear()
                upstream.scripts = [steps, stream_answer(EVENTS)]
                return await watch(bench.port, REQUEST, patience_s=PATIENCE_S * 2)

            yield ask

    return start


def assert_told(got: TimedAnswer, whole: list[ReadEvent], kind: str, where: str) -> None:
    seen = without_pings(read_events(got.body))
    assert seen[: len(whole)] == whole, where
    last = seen[len(whole) :]
    if kind.startswith("error event"):
        assert last == OVERLOADED, where
        return
    ((name, data),) = last
    told = json.loads(data)
    assert (name, told["type"], told["error"]["type"]) == ("error", "error", "gateway_stream_interrupted"), (
        where
    )


@pytest.mark.parametrize("hold", ["FirstDelta", "Headers"])
@pytest.mark.parametrize("kind", TROUBLE)
async def test_trouble_behind_a_silence_at_every_position(kind, hold, asked) -> None:
    async with asked(hold) as ask:
        for position in range(COUNT):
            silence = list(SILENCE.values())[position % len(SILENCE)]
            got = await ask(script(position, silence, TROUBLE[kind]))
            where = f"{kind} behind a silence after {position} events, hold {hold}"
            assert (got.head.status, got.end) == (200, "whole"), where
            if hold == "FirstDelta" and position <= EARLY:
                assert without_pings(read_events(got.body)) == WHOLE, where
            else:
                whole = without_pings(read_events(b"".join(EVENTS[:position])))
                assert_told(got, whole, kind, where)


@pytest.mark.parametrize("hold", ["FirstDelta", "Headers"])
@pytest.mark.parametrize("silence", SILENCE)
async def test_silence_at_every_position_is_filled_with_pings(silence, hold, asked) -> None:
    async with asked(hold) as ask:
        for position in range(COUNT):
            rest: list[Step] = [b"".join(chunk(one) for one in EVENTS[position:]) + LAST_CHUNK]
            got = await ask(script(position, SILENCE[silence], rest))
            where = f"silence after {position} events, hold {hold}"
            assert without_pings(read_events(got.body)) == WHOLE, where
            assert got.end == "whole", where
            assert got.longest_silence_s <= 31, where
            held = hold == "FirstDelta" and position <= EARLY
            first_byte_s = 0 if not held else 31 if position == 0 else 15
            assert got.head_at - got.asked_at <= first_byte_s + 0.1, where


async def test_trouble_at_every_position_of_a_stream_that_was_opened_before(asked) -> None:
    async with asked("FirstDelta") as ask:
        for kind, trouble in TROUBLE.items():
            for position in range(1, COUNT, 3):
                sent = b"".join(chunk(one) for one in EVENTS[1:position])
                got = await ask(script(1, [Pause(40), sent], trouble))
                where = f"{kind} after {position} events"
                if position <= EARLY:
                    assert without_pings(read_events(got.body)) == WHOLE, where
                else:
                    whole = without_pings(read_events(b"".join(EVENTS[:position])))
                    assert_told(got, whole, kind, where)


PIECES = {"held": EVENTS[1:3], "committed": [*EVENTS[8:9], PING, *EVENTS[9:10]]}


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("where", PIECES)
async def test_events_and_pings_in_pieces_at_every_byte_have_no_ping_of_ours_inside(
    where, line_end, started
) -> None:
    first, *_, last = PIECES[where]
    before = b"".join(EVENTS[: EVENTS.index(first)]).replace(b"\n", line_end)
    middle = b"".join(PIECES[where]).replace(b"\n", line_end)
    after = b"".join(EVENTS[EVENTS.index(last) + 1 :]).replace(b"\n", line_end)
    upstream = ScriptedUpstream()
    async with started(upstream) as bench:
        for cut in range(0, len(middle) + 1, 1 if line_end == b"\n" else 5):
            upstream.requests.clear()
            head = STREAM_HEAD + chunk(before + middle[:cut])
            upstream.scripts = [[head, Pause(31), chunk(middle[cut:] + after) + LAST_CHUNK]]
            got = await watch(bench.port, REQUEST)
            assert without_pings(read_events(got.body)) == WHOLE, cut
            assert got.longest_silence_s <= 15.1, cut

"""Server-sent events: any chunking gives the same events and the same bytes, in bounded memory."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_sidecar.wire.sse import PIECE_BYTES, EventFramer, event_data, event_type

ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
TEXTS = st.sampled_from(
    [
        b"event: ping",
        b'data: {"type": "ping"}',
        b"data:",
        b": a comment",
        b"",
        b"id: 1",
        b"\xff\x00",
        b"data: x",
    ]
)
LINES = st.lists(st.tuples(TEXTS, ENDS), max_size=12).map(lambda lines: b"".join(t + e for t, e in lines))
STREAMS = LINES | st.lists(st.sampled_from([b"a", b"\n", b"\r"]), max_size=20).map(b"".join)


def framed(stream: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    """Events and the rest when the stream comes cut at these places."""
    framer = EventFramer()
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    events = []
    for start, end in pairwise(edges):
        events += framer.feed(stream[start:end])
    return events, framer.rest()


def by_the_standard(stream: bytes) -> list[bytes]:
    """Data of each event, line by line as the HTML standard's parser reads them."""
    lines = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]
    dispatched, data = [], []
    for line in lines:
        if line == b"":
            if data:
                dispatched.append(b"\n".join(data))
            data = []
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
    return dispatched


@given(STREAMS, st.lists(st.integers(0, 150), max_size=12))
@settings(max_examples=300)
def test_any_chunking_gives_the_same_events_and_the_same_bytes(stream: bytes, cuts: list[int]) -> None:
    events, rest = framed(stream, cuts)
    assert b"".join(events) + rest == stream
    assert (events, rest) == framed(stream, [])


@given(STREAMS)
def test_byte_by_byte_gives_the_same_events(stream: bytes) -> None:
    assert framed(stream, list(range(len(stream)))) == framed(stream, [])


@given(LINES)
def test_events_are_those_of_the_standard(stream: bytes) -> None:
    events, rest = framed(stream, [])
    seen = [event_data(event) for event in [*events, rest] if b"data:" in event]
    whole = by_the_standard(stream + (b"" if rest.endswith((b"\n\n", b"\r\r", b"\n\r")) else b"\n\n"))
    assert [data for data in seen if data] == [data for data in whole if data]


@given(STREAMS)
def test_each_event_ends_with_its_blank_line_and_holds_no_other(stream: bytes) -> None:
    events, rest = framed(stream, [])
    for event in events:
        plain = event.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        assert plain.endswith(b"\n\n")
        assert b"\n\n" not in plain[:-2]
    assert b"\n\n" not in rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n")[:-2]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_kind_of_line_end_bounds_an_event(end: bytes) -> None:
    first = b"event: ping" + end + b"data: {}" + end + end
    second = b"event: next" + end
    assert framed(first + second, []) == ([first], second)


@pytest.mark.parametrize("stream", [b"data: x\r\n\r\n", b"data: x\n\n"])
def test_an_event_is_given_as_soon_as_it_is_whole(stream: bytes) -> None:
    framer = EventFramer()
    for index in range(len(stream) - 1):
        assert framer.feed(stream[index : index + 1]) == []
    assert framer.feed(stream[-1:]) == [stream]
    assert framer.rest() == b""


def test_a_carriage_return_at_a_chunks_end_waits_for_its_line_feed() -> None:
    framer = EventFramer()
    assert framer.feed(b"data: x\r\n\r") == []
    assert framer.feed(b"\ndata: y") == [b"data: x\r\n\r\n"]
    lone = EventFramer()
    assert lone.feed(b"data: x\r\r") == []
    assert lone.feed(b"data: y\r\r") == [b"data: x\r\r"]
    assert lone.rest() == b"data: y\r\r"


def test_a_stream_without_a_last_blank_line_leaves_a_rest() -> None:
    assert framed(b"data: 1\n\ndata: 2\n", []) == ([b"data: 1\n\n"], b"data: 2\n")


@pytest.mark.parametrize("chunk", [1 << 12, 1 << 16, (1 << 20) - 1, 3 << 20])
@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_an_event_over_a_mebibyte_passes_in_pieces_in_bounded_memory(chunk: int, end: bytes) -> None:
    huge = b"event: content_block_delta\ndata: " + b"x" * (5 << 19) + end
    stream = b"data: before" + end + huge + b"data: after" + end + b"data: last"
    framer = EventFramer()
    passed = []
    for start in range(0, len(stream), chunk):
        passed += framer.feed(stream[start : start + chunk])
        assert len(framer.rest()) <= PIECE_BYTES
    assert b"".join(passed) + framer.rest() == stream
    assert passed[0] == b"data: before" + end
    assert passed[-1] == b"data: after" + end
    assert framer.rest() == b"data: last"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n", b"\r\n\n"])
def test_a_blank_line_that_a_piece_cuts_through_still_ends_the_event(end: bytes) -> None:
    for cut in range(len(end) + 1):
        framer = EventFramer()
        passed = framer.feed(b"data: " + b"x" * PIECE_BYTES + end[:cut])
        assert framer.feed(end[cut:] + b"data: y\n\ndata: z")[-1] == b"data: y\n\n"
        assert passed
        assert framer.rest() == b"data: z"


def test_an_endless_body_without_events_is_not_kept() -> None:
    framer = EventFramer()
    passed = sum(len(piece) for _ in range(80) for piece in framer.feed(b"y" * 65_536))
    assert passed + len(framer.rest()) == 80 * 65_536
    assert len(framer.rest()) <= PIECE_BYTES


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (b'event: content_block_delta\ndata: {"type":"x"}\n\n', b"content_block_delta"),
        (b"event: message_stop\r\ndata: {}\r\n\r\n", b"message_stop"),
        (b"event:ping\rdata: {}\r\r", b"ping"),
        (b"data: {}\nevent: error\n\n", b"error"),
        (b'data: {"type":"message_start","message":{}}\n\n', b"message_start"),
        (b'data:{ "type" : "ping" }\n\n', b"ping"),
        (b'id: 3\ndata: {"type":"error"}\n\n', b"error"),
        (b"event: content_block_delta_of_tomorrow\ndata: {}\n\n", b"content_block_delta_of_tomorrow"),
        (b": event: ping\n\n", None),
        (b'data: {"text":"event: error"}\n\n', None),
        (b'data: {"index":0,"type":"ping"}\n\n', None),
        (b"data: [DONE]\n\n", None),
        (b"\n\n", None),
        (b"", None),
    ],
)
def test_type_of_an_event(event: bytes, kind: bytes | None) -> None:
    assert event_type(event) == kind


def test_a_delta_that_quotes_an_event_is_still_a_delta() -> None:
    data = rb'data: {"type":"content_block_delta","delta":"\nevent: error"}'
    text = b"event: content_block_delta\n" + data
    assert event_type(text + b"\n\n") == b"content_block_delta"


def test_data_lines_are_joined_by_line_feeds() -> None:
    assert event_data(b"event: x\r\ndata: {\r\ndata:  1\r\ndata:}\r\n\r\n") == b"{\n 1\n}"
    assert event_data(b": no data\n\n") == b""


@given(st.binary(max_size=200))
def test_no_bytes_make_reading_an_event_raise(event: bytes) -> None:
    kind = event_type(event)
    assert kind is None or kind in event
    assert len(event_data(event)) <= len(event)


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (b"e", False),
        (b"event: pi", False),
        (b"event: ping\ndata: {", False),
        (b": note", False),
        (b": note\n: another\r\n", False),
        (b": note\nevent: ping\n", False),
        (b"event: c", True),
        (b"data: {", True),
        (b": note\nevent: content", True),
    ],
)
def test_piece_that_may_be_a_ping_or_a_comment_is_no_event_under_way(piece, expected) -> None:
    framer = EventFramer()
    framer.feed(piece)
    assert framer.is_under_way is expected

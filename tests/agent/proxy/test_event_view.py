"""What is passed on of a stream and seen in it: the same however it is cut, and by the short way too."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from claude_sidecar.proxy.event_view import EventView
from claude_sidecar.wire.response_metadata import ResponseMetadata
from claude_sidecar.wire.sse import EventFramer

DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0}'
EVENTS = st.sampled_from(
    [
        DELTA,
        DELTA.replace(b"\n", b"\r\n"),
        DELTA + b"\ndata: and more",
        b'event: content_block_deltas\ndata: {"type":"x"}',
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","model":"c"}}',
        b'event: ping\ndata: {"type":"ping"}',
        b'event: message_stop\ndata: {"type":"message_stop"}',
        b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"no"}}',
        b": a comment",
        b"event: content_block_delta",
    ]
)
ENDS = st.sampled_from([b"\n\n", b"\n\n", b"\n\n", b"\r\n\r\n", b"\r\r", b"\n", b"\n\n\n"])
STREAMS = st.lists(st.tuples(EVENTS, ENDS), max_size=8)


def seen(view: EventView) -> tuple[object, ...]:
    return (
        view.started,
        view.has_delta,
        view.stopped,
        view.error,
        view.mid_event,
        view.takes_pings,
        view.progressed,
    )


@given(STREAMS, st.lists(st.integers(0, 400), max_size=8), st.booleans())
@settings(max_examples=300)
def test_short_way_passes_on_and_sees_what_the_long_way_does(
    stream, cuts: list[int], inference: bool
) -> None:
    whole = b"".join(event + end for event, end in stream)
    # Cut where events end, which is the short way, and anywhere else.
    ends = [sum(len(event + end) for event, end in stream[:count]) for count in range(len(stream))]
    edges = sorted({0, len(whole), *ends, *(min(cut, len(whole)) for cut in cuts)})
    short, long = (EventView(EventFramer(), None, ResponseMetadata(), inference=inference) for _ in range(2))
    for start, end in pairwise(edges):
        piece = whole[start:end]
        short.progressed = long.progressed = False
        assert short.pass_on(piece) == b"".join(long.feed(piece))
        assert seen(short) == seen(long)
    assert short.finish() == long.finish()

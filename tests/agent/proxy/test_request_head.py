"""What a send's head is made of, where several have a say in one line."""

import msgspec

from claude_sidecar.providers.provider import HeaderChanges
from claude_sidecar.proxy.request_head import OurLines, request_head
from claude_sidecar.wire.call import UNREAD


def test_stream_asks_for_no_coding_whatever_a_provider_makes_of_the_callers_word() -> None:
    """Events in a coding could neither be held by their kind nor be followed by one of ours."""
    lines = [(b"Host", b"localhost"), (b"Accept-Encoding", b"gzip")]
    call = msgspec.structs.replace(UNREAD, method="GET", lines=lines, names=[b"host", b"accept-encoding"])
    changes = HeaderChanges(rewritten={b"accept-encoding": lambda value: value + b", br"})

    def sent(*, identity: bool) -> bytes:
        ours = OurLines(identity=identity, body_bytes=0, trace=None, tracestate=False)
        return request_head(call, "api.example", "/v1/messages", changes, ours)

    assert b"\r\nAccept-Encoding: identity\r\n" in sent(identity=True)
    assert b"\r\nAccept-Encoding: gzip, br\r\n" in sent(identity=False)

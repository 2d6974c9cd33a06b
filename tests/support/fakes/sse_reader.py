"""A reader of server-sent events, as the standard tells it and nothing of ours: what an app's parser sees.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

import re
from typing import NamedTuple


class ReadEvent(NamedTuple):
    """One dispatched event."""

    name: str
    data: str


def read_events(body: bytes) -> list[ReadEvent]:
    """All events that a body dispatches; a block without its blank line is none."""
    events: list[ReadEvent] = []
    name, data = "", []
    for line in re.split("\r\n|\n|\r", body.decode())[:-1]:
        if not line:
            if data:
                events.append(ReadEvent(name or "message", "\n".join(data)))
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    return events


def without_pings(events: list[ReadEvent]) -> list[ReadEvent]:
    """The events that tell something; a ping in any other shape than a ping's stays in."""
    return [event for event in events if event != ReadEvent("ping", '{"type": "ping"}')]

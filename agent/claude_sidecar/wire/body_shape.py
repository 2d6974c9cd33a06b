"""What matters in a request's body, and where: routing's own fields, and what binds a call to one account.

What binds (docs/claude-api-notes.md, "What binds a request to an account") is known by structure: a content
block's `source` of type `file`, or a `container_upload` block.
Blocks stand in `system` and in messages, in tool results, and in a document's own content. A tool's argument
or a text may hold the same words and says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class Value:
    """What a value at some place may be.

    bit: stands for it among its object's values; array, object: what it is if it is one, None to pass it
    over; binding: the text that binds; kept: its place and value are kept.
    """

    bit: int = 0
    array: "Level | None" = None
    object: "Level | None" = None
    binding: bytes | None = None
    kept: bool = False


@dataclass(slots=True)
class Level:
    """keys: an object's values that matter; element: what each value in an array is, None for an object."""

    keys: Mapping[bytes, Value]
    element: Value | None = None


PLAIN = Value()
"""A value that says nothing."""


def _content_block() -> Level:
    """Blocks may hold blocks, so the levels name each other."""
    block = Level({})
    blocks = Level({}, element=Value(bit=1, object=block))
    source = Level({b"type": Value(bit=1, binding=b"file"), b"content": Value(bit=2, array=blocks)})
    block.keys = {
        b"type": Value(bit=1, binding=b"container_upload"),
        b"source": Value(bit=2, object=source),
        b"content": Value(bit=4, array=blocks, object=block),
    }
    return block


def _body() -> Level:
    block = _content_block()
    blocks = Level({}, element=Value(bit=1, object=block))
    message = Level({b"content": Value(bit=1, array=blocks, object=block)})
    keys = {
        b"messages": Value(bit=1, array=Level({}, element=Value(bit=1, object=message))),
        b"system": Value(bit=2, array=blocks),
    }
    for name in (b"model", b"stream", b"inference_geo", b"max_tokens", b"container", b"thread"):
        keys[name] = Value(kept=True)
    return Level(keys)


BODY = _body()
"""A whole body."""

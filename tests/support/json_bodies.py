"""Request bodies as a hostile or merely odd client may write them, and what a JSON parser makes of them."""

import json
from typing import Any

from hypothesis import strategies as st

KEPT = ("model", "stream", "inference_geo", "max_tokens", "container", "thread")
_KEYS = (*KEPT, "messages", "system", "content", "type", "source", "role", "input", "é/")
_TEXTS = ("file", "container_upload", "text", "claude-opus-4-8", 'q"\\', "a/b", "é", "\U0001f600", "{[", "")


class Pairs(list[tuple[str, Any]]):
    """An object's members as they stand in the text, repeated ones too."""


def _texts() -> st.SearchStrategy[str]:
    return st.sampled_from(_TEXTS) | st.text(max_size=6)


def _values() -> st.SearchStrategy[Any]:
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | _texts()
    )
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | pairs(inner), max_leaves=14)


def pairs(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Pairs]:
    return st.lists(st.tuples(st.sampled_from(_KEYS), values), max_size=5).map(Pairs)


def _blocks() -> st.SearchStrategy[Any]:
    """Content blocks, some of which bind, with what may be taken for one beside them."""
    source = st.sampled_from(["file", "base64", "content"]).map(lambda kind: Pairs([("type", kind)]))
    block = st.sampled_from(["text", "document", "tool_use", "container_upload"]).map(
        lambda kind: Pairs([("type", kind)])
    )
    members = st.tuples(
        block, st.lists(st.tuples(st.sampled_from(["source", "input", "x"]), source), max_size=2)
    )
    leaf = members.map(lambda found: Pairs([*found[0], *found[1]]))
    return st.recursive(
        leaf,
        lambda inner: st.tuples(
            leaf, st.sampled_from(["content", "source", "input"]), st.lists(inner, max_size=3)
        ).map(lambda found: Pairs([*found[0], (found[1], found[2])])),
        max_leaves=5,
    )


def conversations() -> st.SearchStrategy[Pairs]:
    """Bodies of the right form."""
    message = st.tuples(st.just("content"), st.lists(_blocks(), max_size=3) | _texts()).map(
        lambda pair: Pairs([pair])
    )
    return st.tuples(pairs(_values()), st.lists(message, max_size=4), pairs(_values())).map(
        lambda found: Pairs([*found[0], ("messages", found[1]), *found[2]])
    )


def bodies() -> st.SearchStrategy[tuple[bytes, Pairs]]:
    """The text of a body and its members."""
    return st.tuples(pairs(_values()) | conversations(), st.randoms(use_true_random=False)).map(
        lambda found: (_written(found[0], found[1]).encode(), found[0])
    )


def _written(value: Any, chance: Any) -> str:
    """JSON in some of its many spellings."""
    blank = chance.choice(["", "", " ", "\n\t "])
    if isinstance(value, Pairs):
        members = [f"{_spelt(key, chance)}{blank}:{blank}{_written(inner, chance)}" for key, inner in value]
        return "{" + blank + f"{blank},{blank}".join(members) + blank + "}"
    if isinstance(value, list):
        return "[" + blank + f",{blank}".join(_written(inner, chance) for inner in value) + blank + "]"
    return _spelt(value, chance) if isinstance(value, str) else json.dumps(value)


def _spelt(text: str, chance: Any) -> str:
    if chance.random() < 0.5:
        return json.dumps(text, ensure_ascii=chance.random() < 0.5)
    return '"' + "".join(_spelt_character(character, chance) for character in text) + '"'


def _spelt_character(character: str, chance: Any) -> str:
    if character == "/" and chance.random() < 0.5:
        return "\\/"
    if ord(character) < 0x10000 and chance.random() < 0.5:
        return f"\\u{ord(character):04x}"
    return json.dumps(character)[1:-1]


def binds(body: Any) -> bool:
    """Whether a parsed body holds what lives in one account."""
    if body.get("container") is not None or body.get("thread") is not None:
        return True
    messages = body.get("messages")
    found = (
        [message.get("content") for message in messages if isinstance(message, dict)]
        if isinstance(messages, list)
        else []
    )
    system = body.get("system")
    return any(map(_content_binds, found)) or (isinstance(system, list) and any(map(_block_binds, system)))


def _content_binds(content: Any) -> bool:
    if isinstance(content, list):
        return any(map(_block_binds, content))
    return _block_binds(content)


def _block_binds(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    source = block.get("source")
    if isinstance(source, dict):
        inner = source.get("content")
        if source.get("type") == "file" or (isinstance(inner, list) and any(map(_block_binds, inner))):
            return True
    return block.get("type") == "container_upload" or _content_binds(block.get("content"))

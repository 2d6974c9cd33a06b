"""The few facts of a request's body that routing needs, found without building the rest."""

import re
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import msgspec

_FILE_ID = re.compile(rb'"(?:file_id|batch_id)"\s*:\s*"')
_MODEL_LONGEST = 256


@dataclass(frozen=True, slots=True)
class BodyFacts:
    """model: as the body names it; stream: whether it asks for one; account_bound: names a file, container,
    thread or batch; max_tokens: None if not a number; names_max_tokens: whether there is such a field at all,
    None where the body could not be read."""

    model: str | None = None
    stream: bool = False
    account_bound: bool = False
    max_tokens: int | None = None
    names_max_tokens: bool | None = None


NO_FACTS = BodyFacts()


_NULL = msgspec.Raw(b"null")


class _Body(msgspec.Struct):
    model: Any = None
    stream: Any = False
    container: msgspec.Raw = _NULL
    thread: msgspec.Raw = _NULL
    max_tokens: Any = None


_decoder = msgspec.json.Decoder(_Body)


def peek(body: bytes | bytearray | memoryview) -> BodyFacts:
    """Read a JSON body's facts; what is no JSON object has none (it is forwarded as it is).

    A model name over 256 characters counts as none, and its body as no stream: it could only be refused.
    """
    try:
        found = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return NO_FACTS
    model = found.model if isinstance(found.model, str) else None
    overlong = model is not None and len(model) > _MODEL_LONGEST
    tokens = found.max_tokens
    return BodyFacts(
        model=None if overlong else model,
        stream=found.stream is True and not overlong,
        account_bound=_present(found.container)
        or _present(found.thread)
        or _FILE_ID.search(body) is not None,
        max_tokens=tokens if isinstance(tokens, int) and not isinstance(tokens, bool) else None,
        names_max_tokens=tokens is not None,
    )


def replace_model(body: bytes, model: str, other: str) -> bytes | None:
    """The same bytes with the top-level `model` value replaced; None if it can't be found for certain.

    Every other byte stays: the body may hold thinking blocks whose signatures cover their text.
    Linear in the body's size, however many nested objects name a model too.
    """
    old = msgspec.json.encode(model)
    naming = re.compile(rb'("model"\s*:\s*)' + re.escape(old))
    numbers = count()
    numbered = naming.sub(lambda found: b'%b"%d"' % (found[1], next(numbers)), body)
    number = peek(numbered).model or ""
    found = int(number) if number.isdecimal() and len(number) < 10 else None
    top = next(islice(naming.finditer(body), found, None), None) if found is not None else None
    if top is None:
        return None
    changed = body[: top.end(1)] + msgspec.json.encode(other) + body[top.end() :]
    return changed if peek(changed).model == other else None


def _present(raw: msgspec.Raw) -> bool:
    return bytes(raw) != b"null"

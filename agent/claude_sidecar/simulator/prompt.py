"""How many tokens a request's input has, and which of them the prompt cache already holds."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from claude_sidecar.simulator.errors import compact

_BYTES_A_TOKEN = 4
_TOKENS_A_MESSAGE = 4
_TOKENS_A_PICTURE = 1500
_TTL_S = {"5m": 300.0, "1h": 3600.0}
_LEAST_CACHED = 16


@dataclass(frozen=True, slots=True)
class Input:
    """Input tokens of one request, in the parts that `usage` tells apart."""

    fresh: int
    created_5m: int = 0
    created_1h: int = 0
    read: int = 0

    @property
    def limited(self) -> int:
        """What counts towards the input-token limit: cache reads are free of it."""
        return self.fresh + self.created_5m + self.created_1h


def count_tokens(body: dict[str, Any]) -> int:
    """Tokens of system, tools and messages: a rule of thumb, the same for the same input."""
    return sum(tokens for _, tokens, _ in _parts(body))


class PromptCache:
    """Prefixes seen lately, by organisation and model; bounded."""

    _KEPT = 10_000

    def __init__(self) -> None:
        self._ends: OrderedDict[bytes, tuple[float, int]] = OrderedDict()

    def split(self, body: dict[str, Any], scope: str, now_s: float) -> Input:
        """What of the input is fresh, written to the cache and read from it at *now_s*."""
        digest = hashlib.sha256(f"{scope}\0{body.get('model')}".encode())
        total = read = marked = 0
        ttl = "5m"
        seen: list[tuple[bytes, int, str]] = []
        for text, tokens, mark in _parts(body):
            digest.update(text)
            total += tokens
            if mark and total >= _LEAST_CACHED:
                seen.append((digest.digest(), total, mark))
        for prefix, size, mark in seen:
            ends = self._ends.get(prefix)
            if ends and ends[0] > now_s:
                read = max(read, size)
            marked, ttl = size, mark
            self._ends[prefix] = (now_s + _TTL_S[mark], size)
            self._ends.move_to_end(prefix)
        while len(self._ends) > self._KEPT:
            self._ends.popitem(last=False)
        created = max(0, marked - read)
        hour = ttl == "1h"
        return Input(total - read - created, 0 if hour else created, created if hour else 0, read)


def _parts(body: dict[str, Any]) -> Iterator[tuple[bytes, int, str]]:
    """(bytes, tokens, cache mark) of each block, in the order in which the cache sees them."""
    for tool in _list(body.get("tools")):
        yield _part(tool, 0)
    system = body.get("system")
    for block in [system] if isinstance(system, str) else _list(system):
        yield _part(block, 0)
    for message in _list(body.get("messages")):
        content = message.get("content") if isinstance(message, dict) else message
        blocks = content if isinstance(content, list) and content else [content]
        for index, block in enumerate(blocks):
            yield _part(block, _TOKENS_A_MESSAGE if index == 0 else 0)


def _part(block: object, extra: int) -> tuple[bytes, int, str]:
    mark = ""
    if isinstance(block, dict):
        control = block.get("cache_control")
        if isinstance(control, dict):
            mark = "1h" if control.get("ttl") == "1h" else "5m"
        block = {name: value for name, value in block.items() if name != "cache_control"}
        if block.get("type") in ("image", "document"):
            return compact(block), _TOKENS_A_PICTURE + extra, mark
        if block.get("type") == "text" and isinstance(block.get("text"), str):
            block = block["text"]
    text = block.encode("utf-8", "surrogatepass") if isinstance(block, str) else compact(block)
    return text, -(-len(text) // _BYTES_A_TOKEN) + extra, mark


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []

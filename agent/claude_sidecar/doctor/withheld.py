"""The last guard before anything is printed: no part of a key, wherever somebody has put it.

Findings are made of our own words, names of hosts, models, headers and variables. Someone who swaps two
variables has the key as base URL or as model.
"""

import re
from collections.abc import Iterable

from claude_sidecar.wire.credential import PLACEHOLDER

WITHHELD = "[withheld]"

_KEY = re.compile(r"sk-ant-[a-z0-9_-]{6}")
_WINDOW = 12
"""Shorter parts of a made-up key, such as `-api-key`, are words of ours too."""
_SHORTEST = 6


def withheld(text: str, secrets: Iterable[bytes]) -> str:
    """The text without each word that has a part of a secret in it, or that looks like a key."""
    parts = frozenset(part for secret in secrets for part in _parts(secret))

    def tells(word: str) -> bool:
        lowered = word.lower()
        return _KEY.search(lowered) is not None or any(part in lowered for part in parts)

    return " ".join(WITHHELD if tells(word) else word for word in text.split(" ")) if tells(text) else text


def _parts(secret: bytes) -> set[str]:
    if secret == PLACEHOLDER or len(secret) < _SHORTEST:
        return set()
    text = secret.decode("utf-8", "replace").lower()
    return {text[at : at + _WINDOW] for at in range(max(1, len(text) - _WINDOW + 1))}

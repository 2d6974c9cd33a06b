"""Chance by a seed, drawn by each call for itself: what others draw meanwhile changes nothing.

So a call draws the same numbers under two policies, and a difference between them is no luck.
"""

from contextvars import ContextVar

_WORD = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15


def _mixed(word: int) -> int:
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
    return word ^ (word >> 31)


class CallChance:
    """The numbers that one call draws, by the seed, its number, and how many it has drawn before.

    SplitMix64, which takes any seed and needs no table: Steele, Lea and Flood, "Fast Splittable Pseudorandom
    Number Generators", OOPSLA 2014.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int, number: int) -> None:
        self._state = _mixed(_mixed(seed & _WORD) + number & _WORD)

    def __call__(self) -> float:
        """The next one, in [0, 1)."""
        self._state = (self._state + _STEP) & _WORD
        return (_mixed(self._state) >> 11) / (1 << 53)


_drawing: ContextVar[CallChance] = ContextVar("drawing")


def draws(seed: int, number: int) -> None:
    """From here on the running task draws for the call of this number, counted from 1."""
    _drawing.set(CallChance(seed, number))


def drawn() -> float:
    """What the running task's call draws next."""
    return _drawing.get()()

"""An event loop whose clock jumps to the next timer: minutes of waiting take no time."""

import asyncio
import math
import selectors
from typing import Any

_RESOLUTION_S = 1e-9


class NothingLeftToHappen(Exception):
    """Everything waits and no timer runs: what was awaited would never come."""


class _JumpingSelector(selectors.SelectSelector):
    """Has nothing to wait for but time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Let the time pass at once. Raises NothingLeftToHappen where there is no timer."""
        if timeout is None:
            raise NothingLeftToHappen
        self.now += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop but for its clock; it hears of no socket, and of no other thread.

    Its time begins at 0, and the same course of events has the same times to the last digit.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds since it was made, as far as its timers went."""
        return self._jumping.now

    @property
    def _clock_resolution(self) -> float:
        """How early asyncio lets a timer run. Its own nanosecond is lost beside a time of months: the timer
        that is due now would never be, and the loop would turn for ever."""
        return max(_RESOLUTION_S, math.ulp(self._jumping.now))

    @_clock_resolution.setter
    def _clock_resolution(self, _of_the_real_clock: float) -> None:
        """asyncio sets it once, by a clock that is not this loop's."""

"""Where a response's bytes go without a turn of a task for each piece."""

from collections.abc import Callable
from typing import NamedTuple


class Flow(NamedTuple):
    """What a sink says of a piece: whether it told more than that the upstream is alive, and whether the sink
    is full, so that it wants no more for now."""

    progressed: bool
    full: bool


Sink = Callable[[bytes], Flow]
"""Takes a piece at once; what it raises ends the reading."""

"""Counts over a trailing window of time, in a ring of buckets that is told the time."""

_BUCKETS = 10


class TrailingCounts:
    """Two counters summed over the last `window_s` seconds, precise to a tenth of the window."""

    __slots__ = ("_bucket_s", "_first", "_head", "_second", "first", "second")

    def __init__(self, window_s: float) -> None:
        self._bucket_s = window_s / _BUCKETS
        self._first = [0] * _BUCKETS
        self._second = [0] * _BUCKETS
        self._head = -1
        self.first = 0
        self.second = 0

    def advance(self, now: float) -> None:
        """Forget what is older than the window at `now`; a clock that goes back changes nothing."""
        tick = int(now / self._bucket_s)
        if tick <= self._head:
            return
        for old in range(max(self._head + 1, tick - _BUCKETS + 1), tick + 1):
            slot = old % _BUCKETS
            self.first -= self._first[slot]
            self.second -= self._second[slot]
            self._first[slot] = self._second[slot] = 0
        self._head = tick

    def add(self, now: float, first: int = 0, second: int = 0) -> None:
        """Count at `now`."""
        self.advance(now)
        slot = self._head % _BUCKETS
        self._first[slot] += first
        self._second[slot] += second
        self.first += first
        self.second += second

    def clear(self) -> None:
        """Forget everything."""
        self._first = [0] * _BUCKETS
        self._second = [0] * _BUCKETS
        self.first = self.second = 0

"""Which calls are traced: a bounded number each second, troubles apart from plain successes."""


class _TokenBucket:
    """Refills evenly; holds one second's worth, at least one token."""

    __slots__ = ("_at_s", "_tokens")

    def __init__(self) -> None:
        self._at_s: float | None = None
        self._tokens = 0.0

    def take(self, now: float, per_s: float) -> bool:
        if per_s <= 0:
            return False
        room = per_s if per_s > 1.0 else 1.0
        if self._at_s is None:
            self._tokens = room
        elif now > self._at_s:
            self._tokens = min(room, self._tokens + (now - self._at_s) * per_s)
        self._at_s = now if self._at_s is None else max(now, self._at_s)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class TraceGate:
    """Decides at the end of a call whether its trace is exported.

    Rates come with each question, so that a new policy holds at once.
    """

    __slots__ = ("_successes", "_troubles")

    def __init__(self) -> None:
        self._successes = _TokenBucket()
        self._troubles = _TokenBucket()

    def admits(self, now: float, *, trouble: bool, parent_sampled: bool, per_s: float) -> bool:
        """Whether this call is traced.

        now: the loop's clock, seconds. trouble: it failed, was retried or rerouted. parent_sampled: the
        caller's own trace is kept, so ours must be, at no cost to the rates. per_s: the policy's rate for
        this kind of call; 0 traces none.
        """
        if parent_sampled:
            return True
        return (self._troubles if trouble else self._successes).take(now, per_s)

"""Failures that were delivered as final, remembered for a while: who sends the same again did not listen."""

from collections import Counter, OrderedDict
from dataclasses import dataclass

REMEMBERED_S = 30.0
"""Clients wait from half a second up, doubling, for each repeat (docs/claude-api-notes.md, "SDK repeats and
time-outs")."""

REMEMBERED_MOST = 256


@dataclass(slots=True)
class _Failure:
    """Of requests with one digest. times: so often it was delivered, less the repeats that have come."""

    size_bytes: int
    last_s: float
    times: int


class FinalFailures:
    """What was answered with a failure and the word not to repeat it, by the digest of the request.

    A failure answers for one repeat: an app that sends one body all the time, and met one failure, is taken
    for a blind repeater once.
    """

    __slots__ = ("_by_digest", "_sizes")

    def __init__(self) -> None:
        self._by_digest: OrderedDict[bytes, _Failure] = OrderedDict()
        self._sizes: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._by_digest)

    def may_know(self, size_bytes: int, now: float) -> bool:
        """Whether a request with a body of this size may have failed: only then is a digest worth it."""
        if not self._by_digest:
            return False
        self._forget_old(now)
        return size_bytes in self._sizes

    def remember(self, digest: bytes, size_bytes: int, now: float) -> None:
        """A failure was delivered as final. size_bytes: of the request's body."""
        self._forget_old(now)
        failure = self._by_digest.get(digest)
        if failure is None:
            failure = self._by_digest[digest] = _Failure(size_bytes, now, 0)
            self._sizes[size_bytes] += 1
        failure.last_s = now
        failure.times += 1
        self._by_digest.move_to_end(digest)
        if len(self._by_digest) > REMEMBERED_MOST:
            self._forget(next(iter(self._by_digest)))

    def take(self, digest: bytes, now: float) -> bool:
        """Whether a request repeats a failure that is remembered, which then has answered for it."""
        self._forget_old(now)
        failure = self._by_digest.get(digest)
        if failure is None:
            return False
        failure.times -= 1
        if failure.times == 0:
            self._forget(digest)
        return True

    def _forget_old(self, now: float) -> None:
        while self._by_digest:
            oldest = next(iter(self._by_digest))
            if now - self._by_digest[oldest].last_s <= REMEMBERED_S:
                return
            self._forget(oldest)

    def _forget(self, digest: bytes) -> None:
        size_bytes = self._by_digest.pop(digest).size_bytes
        self._sizes[size_bytes] -= 1
        if not self._sizes[size_bytes]:
            del self._sizes[size_bytes]

"""What the simulator served: one entry a call, and totals that outlive the entries."""

from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from claude_sidecar.simulator.answer import Usage


@dataclass(slots=True)
class Entry:
    """One call. Times are seconds since the simulator began; *key* is a name or a fingerprint.

    *reported_usage* is what the answer told the caller in whole events or a whole body, as far as it was
    written: never what would have been reported. *ended*: `complete`, `cut` by a fault, or `caller_left`.
    """

    n: int
    at: float
    connection: int
    reused: bool
    method: str
    path: str
    query: str
    key: str
    header_names: list[str]
    headers: list[tuple[str, str]]
    retry_count: str | None
    model: str | None = None
    stream: bool = False
    status: int | None = None
    error_type: str | None = None
    fault: str | None = None
    request_id: str | None = None
    reported_usage: Usage | None = None
    output_tokens_produced: int = 0
    events: int = 0
    request_bytes: int = 0
    request_sha256: str | None = None
    response_bytes: int = 0
    seconds: float = 0.0
    ended: str = "complete"


@dataclass(slots=True)
class Total:
    """Sums over calls."""

    calls: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_1h_input_tokens: int = 0
    thinking_tokens: int = 0
    web_search_requests: int = 0
    web_fetch_requests: int = 0

    def add(self, entry: Entry) -> None:
        """Count one call; a call that got no status counts under `none`."""
        self.calls += 1
        status = str(entry.status or "none")
        self.statuses[status] = self.statuses.get(status, 0) + 1
        usage = entry.reported_usage
        if usage is not None:
            for name, count in asdict(usage).items():
                setattr(self, name, getattr(self, name) + count)


class Ledger:
    """The last *size* calls, and totals of all calls since the last reset, by key and by model.

    At most 1,000 keys and models have totals of their own; the rest is summed up as `_other`.
    """

    _NAMES = 1000

    def __init__(self, size: int) -> None:
        self._size = size
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._entries: deque[Entry] = deque(maxlen=self._size)
        self._all = Total()
        self._by_key: dict[str, Total] = {}
        self._by_model: dict[str, Total] = {}

    def add(self, entry: Entry) -> None:
        """Record a call that has ended."""
        self._entries.append(entry)
        self._all.add(entry)
        self._of(self._by_key, entry.key).add(entry)
        if entry.model is not None:
            self._of(self._by_model, entry.model).add(entry)

    def calls(self, after: int = 0) -> list[Entry]:
        """The calls numbered above *after*, in the order in which they came."""
        return sorted((entry for entry in self._entries if entry.n > after), key=lambda entry: entry.n)

    def payload(self, after: int = 0) -> dict[str, Any]:
        """The ledger as its JSON form shows it."""
        return {
            "calls": [asdict(entry) for entry in self.calls(after)],
            "totals": asdict(self._all),
            "by_key": _dicts(self._by_key.items()),
            "by_model": _dicts(self._by_model.items()),
        }

    def _of(self, totals: dict[str, Total], name: str) -> Total:
        if name not in totals and len(totals) >= self._NAMES:
            name = "_other"
        return totals.setdefault(name, Total())


def _dicts(items: Iterable[tuple[str, Total]]) -> dict[str, Any]:
    return {name: asdict(total) for name, total in items}

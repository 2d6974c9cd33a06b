"""The calls that a running sidecar remembers, asked of its admin port."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from claude_sidecar.cli.running_sidecar import answer_of, facts_of
from claude_sidecar.cli.told_call import CallUnreadable, ToldCall, listed_call
from claude_sidecar.schema.snapshot import Snapshot

_BOUND_S = 10.0
_MOST_BYTES = 32 << 20
"""500 calls of twenty steps each are less than half of it."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """entries: of `/requests`, newest first; snapshot: the policy in force, None if it can't be read."""

    entries: Sequence[dict[str, Any]]
    snapshot: Snapshot | None

    def call(self, name: str) -> ToldCall:
        """The newest call of that name: our call id, or an upstream's request id. Raises CallUnreadable."""
        for entry in self.entries:
            if _is_called(entry, name):
                return listed_call(entry)
        raise CallUnreadable(self._nothing())

    def _nothing(self) -> str:
        if not self.entries:
            return "the sidecar has had no call yet"
        times = [str(entry.get("startedAt"))[:32] for entry in (self.entries[-1], self.entries[0])]
        count = "1 call" if len(self.entries) == 1 else f"{len(self.entries)} calls"
        return (
            f"no such call among the {count} that the sidecar remembers, which began from {times[0]} to "
            f"{times[1]}; look for an older one in its log: ... | claude-sidecar explain --from-log -"
        )


def remembered(url: str) -> Remembered:
    """Ask the sidecar's admin port for them. Raises click's errors where nobody tells any."""
    facts = facts_of(url)
    answer = answer_of(url, "/requests", _BOUND_S, _MOST_BYTES)
    if answer.status in (403, 404):
        raise click.ClickException(
            f"{url}: the sidecar tells its calls on its own machine alone; forward its port (kubectl "
            "port-forward POD 8788), or run this in its container"
        )
    calls = answer.document
    if not isinstance(calls, list):
        raise click.ClickException(
            f"{url}: its /requests can't be read: {answer.trouble or 'it is no list of calls'}"
        )
    return Remembered([call for call in calls if isinstance(call, dict)], facts.snapshot)


def _is_called(entry: dict[str, Any], name: str) -> bool:
    attempts = entry.get("attempts")
    sends = [sent for sent in attempts if isinstance(sent, dict)] if isinstance(attempts, list) else []
    return name in (entry.get("callId"), entry.get("requestId")) or any(
        sent.get("requestId") == name for sent in sends
    )

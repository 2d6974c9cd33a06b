"""From watch events to the Store: older news than what is known are passed over."""

from dataclasses import dataclass, field
from typing import Any

from claude_operator.desired.world import Object
from claude_operator.reconcile.kinds import Kind, Record
from claude_operator.reconcile.store import Store


@dataclass(slots=True)
class Seen:
    """The objects of all kinds as last told; versions by kind and UID."""

    store: Store
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    records: dict[str, dict[str, Record]] = field(default_factory=dict)

    def put(self, kind: Kind, body: Object) -> None:
        """An object as the API server told it, by a watch, a list or as the answer to a write."""
        meta = body["metadata"]
        uid, version = _uid(meta), meta["resourceVersion"]
        versions = self.versions.setdefault(kind.plural, {})
        known = versions.get(uid)
        if known is not None and is_newer(known, version):
            return
        record = kind.read(body)
        versions[uid] = version
        self.records.setdefault(kind.plural, {})[uid] = record
        self.store.put(record)

    def drop(self, kind: Kind, uid: str) -> None:
        """An object is gone."""
        self.versions.get(kind.plural, {}).pop(uid, None)
        record = self.records.get(kind.plural, {}).pop(uid, None)
        if record is not None:
            self.store.drop(record)


def is_newer(version: str, than: str) -> bool:
    """Whether a resourceVersion is newer than another of the same object; both are numbers in practice."""
    if version.isdigit() and than.isdigit():
        return int(version) > int(than)
    return False


def _uid(meta: Any) -> str:
    return str(meta["uid"])

"""Writes events, and knows which were told already."""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from claude_operator import names
from claude_operator.cluster import paths
from claude_operator.cluster.api import JSON, MERGE_PATCH, ApiError, Requests
from claude_operator.desired.desired import Desired, Event
from claude_operator.desired.records import unix_seconds
from claude_operator.reconcile.keys import Key, PolicyKey, WorkloadKey
from claude_sidecar import clock

REPEAT_S = 50 * 60.0
"""API servers forget an event after an hour: one whose state lasts is told again before that."""
_PAGE = "500"
_CONFLICT = 409


class EventWriter:
    """Events that were told, and when, by what they were decided with. identity: of this process."""

    def __init__(self, api: Requests, identity: str) -> None:
        self._api, self._identity = api, identity
        self._told: dict[Key, dict[str, float]] = defaultdict(dict)

    async def load(self) -> None:
        """Find out what earlier runs told; raises ApiError."""
        query = {"fieldSelector": f"reportingComponent={names.OPERATOR}", "limit": _PAGE}
        while True:
            page = await self._api.get("/api/v1/events", **query)
            for item in page.get("items") or ():
                told = self._told[_key_of(item["involvedObject"])]
                told[item["metadata"]["name"]] = unix_seconds(item.get("lastTimestamp"))
            query["continue"] = page["metadata"].get("continue") or ""
            if not query["continue"]:
                return

    def told(self, key: Key, now: float) -> frozenset[str]:
        """Names of the events that were told of this and are still there; now: unix seconds."""
        told = self._told.get(key, {})
        return frozenset(name for name, at in told.items() if now - at < REPEAT_S)

    def again_in_s(self, key: Key, standing: Collection[str], now: float) -> float:
        """When the first of these events, all told, is to be told again; now: unix seconds."""
        told = self._told[key]
        # A second more, since `told` says until when it is not.
        return min(told[name] for name in standing) + REPEAT_S + 1 - now

    def forget_others(self, key: Key, desired: Desired) -> None:
        """Events whose state is over may be told again when it comes back."""
        held = self._told.get(key)
        if held is not None and desired.certain:
            kept = {name: at for name, at in held.items() if name in desired.standing}
            if kept:
                self._told[key] = kept
            else:
                del self._told[key]

    async def write(self, key: Key, event: Event) -> None:
        """Tell an event; one of its name that is there from earlier is counted up. Raises ApiError."""
        at = clock.unix_ns() / 1e9
        now = datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = paths.events(event.subject.namespace)
        try:
            await self._api.send("POST", path, self._body(event, now), JSON, fieldManager=names.OPERATOR)
        except ApiError as error:
            if error.status != _CONFLICT:
                raise
            there = await self._api.get(f"{path}/{event.name}")
            patch = {"count": int(there.get("count") or 1) + 1, "lastTimestamp": now}
            await self._api.send(
                "PATCH", f"{path}/{event.name}", patch, MERGE_PATCH, fieldManager=names.OPERATOR
            )
        self._told[key][event.name] = at

    def _body(self, event: Event, now: str) -> dict[str, Any]:
        subject = event.subject
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": event.name, "namespace": subject.namespace},
            "involvedObject": {
                "apiVersion": subject.api_version,
                "kind": subject.kind,
                "namespace": subject.namespace,
                "name": subject.name,
                "uid": subject.uid,
            },
            "type": event.type,
            "reason": event.reason,
            "message": event.message,
            "source": {"component": names.OPERATOR},
            "reportingComponent": names.OPERATOR,
            "reportingInstance": self._identity,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }


def _key_of(about: dict[str, str]) -> Key:
    namespace = about.get("namespace", "")
    if about.get("kind") == names.KIND:
        return PolicyKey(namespace, about.get("name", ""))
    return WorkloadKey(namespace, about.get("uid", ""))

"""Compares what watches told with lists: is all told yet, what went without a word, which watch is blind."""

import logging

from claude_operator.cluster import paths
from claude_operator.cluster.api import ApiError, Requests
from claude_operator.reconcile.kinds import KINDS, Kind
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.seen import Seen, is_newer
from claude_sidecar import clock
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)

METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_PAGE = "500"
_TOLD_AGAIN_S = 0.1
_GONE_AFTER_S = 3.0
"""What was not told of for so long may be gone again."""


class Sweeper:
    """`blind`: kinds whose watch did not tell, between two sweeps, what a list had already told."""

    def __init__(self, api: Requests, seen: Seen, every_s: float, metrics: Metrics) -> None:
        self._api, self._seen, self._every_s, self._metrics = api, seen, every_s, metrics
        self._listed: dict[str, dict[str, str]] = {}
        self.blind: set[str] = set()

    async def until_told(self) -> None:
        """Wait until watches have told of all that there is now; raises ApiError."""
        for kind in KINDS:
            waiting, listed_at = set(await self._list(kind)), clock.now()
            while waiting := waiting - self._seen.versions.get(kind.plural, {}).keys():
                await clock.sleep(_TOLD_AGAIN_S)
                if clock.now() - listed_at >= _GONE_AFTER_S:
                    waiting, listed_at = waiting & (await self._list(kind)).keys(), clock.now()

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await clock.sleep(self._every_s)
            for kind in KINDS:
                try:
                    await self.sweep(kind)
                except ApiError as error:
                    event(logger, logging.WARNING, "sweep failed", kind=kind.plural, error=str(error))

    async def sweep(self, kind: Kind) -> None:
        """Compare one kind; raises ApiError."""
        known = dict(self._seen.versions.get(kind.plural, {}))
        listed = await self._list(kind)
        self._judge(kind, known, listed)
        for uid, version in known.items():
            # One that was told of meanwhile is no ghost: its version is another now.
            if uid not in listed and self._seen.versions[kind.plural].get(uid) == version:
                self._metrics.ghosts.labels(kind.plural).inc()
                self._seen.drop(kind, uid)
        self._listed[kind.plural] = listed

    def _judge(self, kind: Kind, known: dict[str, str], listed: dict[str, str]) -> None:
        """Whether all that the last list held had been told of before this one, or is gone."""
        late = [
            uid
            for uid, version in self._listed.get(kind.plural, {}).items()
            if (is_newer(version, known[uid]) if uid in known else uid in listed)
        ]
        if late and kind.plural not in self.blind:
            self.blind.add(kind.plural)
            event(logger, logging.ERROR, "watch is blind", kind=kind.plural, late=len(late))
        elif not late:
            self.blind.discard(kind.plural)
        self._metrics.blind.set(len(self.blind))

    async def _list(self, kind: Kind) -> dict[str, str]:
        path = paths.collection(kind.group, kind.version, kind.plural)
        query, found = {"limit": _PAGE, **kind.selectors}, {}
        while True:
            page = await self._api.send("GET", path, None, accept=METADATA, **query)
            for item in page.get("items") or ():
                found[item["metadata"]["uid"]] = item["metadata"]["resourceVersion"]
            query["continue"] = (page.get("metadata") or {}).get("continue") or ""
            if not query["continue"]:
                return found

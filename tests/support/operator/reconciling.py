"""What decides and writes, at work on a scripted API server; watches tell of each change a moment later."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from support.operator.scripted.api import ScriptedApi
from support.operator.scripted.change import is_selected

from claude_operator.cluster import paths
from claude_operator.crd.judge import judge
from claude_operator.desired.appraisal import Judge
from claude_operator.desired.world import Report
from claude_operator.reconcile.asker import Asker
from claude_operator.reconcile.event_writer import EventWriter
from claude_operator.reconcile.keys import Key, PolicyKey
from claude_operator.reconcile.kinds import KINDS, Kind
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.nudger import Nudger
from claude_operator.reconcile.reconciler import Reconciler
from claude_operator.reconcile.seen import Seen
from claude_operator.reconcile.store import Store
from claude_operator.reconcile.work_queue import WorkQueue
from claude_operator.reconcile.writer import Writer
from claude_sidecar import clock

WATCH_S = 0.05
FOREIGN_AGAIN_S = 120.0
NAMESPACE = "shop"
_WORKERS = 8


class Reconciling:
    """One run of it. asks: sidecars are asked, and `report` answers for them. mute: plurals of watches."""

    def __init__(
        self, api: ScriptedApi, *, asks: bool = False, nudges: bool = False, judge: Judge = judge
    ) -> None:
        self.api, self.metrics, self.mute = api, Metrics(), set[str]()
        self.queue: WorkQueue[Key] = WorkQueue()
        self.store = Store(self.queue.add)
        self.seen = Seen(self.store)
        self.events = EventWriter(api, "this-process")
        self.writer = Writer(api, self.seen, self.metrics)
        self.asker = Asker(self.store.pods, 1000.0, 120.0, self.queue.add, self.metrics) if asks else None
        self.nudger = Nudger(api, 20.0, self.store.pods, self.metrics) if nudges else None
        self.reconciler = Reconciler(
            self.store,
            self.queue,
            self.writer,
            self.events,
            self.asker,
            self.nudger,
            judge,
            self.metrics,
            FOREIGN_AGAIN_S,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Reconciling"]:
        """Take in all that there is, and reconcile until the block ends; raises what a worker died of."""
        await self.events.load()
        self.api.watchers.append(self._told)
        for kind in KINDS:
            path = paths.collection(kind.group, kind.version, kind.plural)
            for each in (await self.api.get(path, **kind.selectors))["items"]:
                self.seen.put(kind, each)
        parts = [self.reconciler.run() for _ in range(_WORKERS)]
        if self.nudger is not None:
            parts.append(self.nudger.run())
        tasks = [asyncio.create_task(each) for each in parts]
        try:
            yield self
        finally:
            self.api.watchers.remove(self._told)
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ended:
            if not isinstance(end, asyncio.CancelledError):
                raise end

    def _told(self, event: str, plural: str, body: dict[str, Any]) -> None:
        kind = next((each for each in KINDS if each.plural == plural), None)
        if kind is not None and plural not in self.mute:
            asyncio.get_running_loop().call_later(WATCH_S, self._take_in, kind, event, body)

    def _take_in(self, kind: Kind, event: str, body: dict[str, Any]) -> None:
        if event == "DELETED" or not is_selected(body, kind.selectors):
            self.seen.drop(kind, body["metadata"]["uid"])
        else:
            self.seen.put(kind, body)

    async def settled(self, seconds: float = 5.0) -> None:
        """Let time pass; the usual seconds are enough for all but counts of pods, which may wait longer."""
        await clock.sleep(seconds)

    def report(self, pod: str, report: Report | None) -> None:
        """What a pod's sidecar says of itself, or that it says nothing."""
        assert self.asker is not None
        found = next(each for each in self.store.pods.values() if each.name == pod)
        self.asker.reports[found.uid] = report
        for name in found.mounts:
            self.queue.add(PolicyKey(found.namespace, name))


Start = Callable[..., Awaitable[Reconciling]]
"""Starts one with options."""

"""The whole process: takes the Lease, watches, decides, writes, until it is told to stop."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any

from claude_operator import names
from claude_operator.cluster.access import Access
from claude_operator.cluster.api import Api, ApiError
from claude_operator.crd.judge import judge
from claude_operator.reconcile.asker import Asker
from claude_operator.reconcile.certificates import CertificateKeeper
from claude_operator.reconcile.event_writer import EventWriter
from claude_operator.reconcile.gauges import set_gauges
from claude_operator.reconcile.handlers import Memo
from claude_operator.reconcile.keys import Key
from claude_operator.reconcile.lease import LeaseKeeper, LeaseLost
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.nudger import Nudger
from claude_operator.reconcile.probes import probes
from claude_operator.reconcile.reconciler import Reconciler
from claude_operator.reconcile.seen import Seen
from claude_operator.reconcile.settings import Settings
from claude_operator.reconcile.store import Store
from claude_operator.reconcile.sweep import Sweeper
from claude_operator.reconcile.watching import WatchingEnded, watch
from claude_operator.reconcile.work_queue import WorkQueue
from claude_operator.reconcile.writer import Writer
from claude_sidecar import __version__, clock
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)

_WORKERS = 8
_STUCK_S = 120.0
_AGAIN_S = 3.0


class Process:
    """One run of `claude-operator reconcile`."""

    def __init__(self, chosen: Settings, access: Access) -> None:
        self._chosen, self._access = chosen, access
        self._metrics = Metrics()
        self._stop = asyncio.Event()
        self._listed = asyncio.Event()
        self._leads = False
        self._queue: WorkQueue[Key] = WorkQueue()
        self._sweeper: Sweeper | None = None

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT.

        Raises LeaseLost, WatchingEnded, PortUnusable, or what a part of it died of.
        """
        self._listen_to_signals()
        async with (
            Api(self._access) as api,
            probes(self._chosen.port, self._metrics, self._ill, self._busy) as port,
        ):
            event(logger, logging.INFO, "started", version=__version__, port=port)
            lease = LeaseKeeper(api, self._chosen.namespace, self._chosen.identity, self._chosen.lease_s)
            if not await self._until_stopped(lease.take()):
                return
            self._leads = True
            self._metrics.leader.set(1)
            event(logger, logging.INFO, "the only operator", identity=self._chosen.identity)
            try:
                await self._until_stopped(self._work(api, lease))
            finally:
                self._metrics.leader.set(0)
                try:
                    await lease.release()
                except ApiError as error:
                    event(logger, logging.WARNING, "lease not released", error=str(error))

    async def _work(self, api: Api, lease: LeaseKeeper) -> None:
        store = Store(self._queue.add, self._chosen.excluded_namespaces)
        seen = Seen(store)
        memo = Memo(self._access, seen, self._metrics, self._chosen.watch_silence_s)
        events = EventWriter(api, self._chosen.identity)
        asker, nudger = self._asker(store), self._nudger(api, store)
        writer = Writer(api, seen, self._metrics)
        reconciler = Reconciler(
            store, self._queue, writer, events, asker, nudger, judge, self._metrics, self._chosen.resync_s
        )
        self._sweeper = Sweeper(api, seen, self._chosen.resync_s, self._metrics)
        cause: Exception | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(lease.hold())
                await self._patiently(lambda: _defined(api))
                await self._patiently(events.load)
                tasks.create_task(watch(memo, self._stop, self._listen_to_signals))
                await self._patiently(self._sweeper.until_told)
                self._listed.set()
                event(logger, logging.INFO, "listed", policies=len(store.policies), pods=len(store.pods))
                for _ in range(_WORKERS):
                    tasks.create_task(reconciler.run())
                tasks.create_task(self._sweeper.run())
                tasks.create_task(set_gauges(self._metrics, self._queue, store, asker))
                for part in (asker, nudger, self._certificate_keeper(api)):
                    if part is not None:
                        tasks.create_task(part.run())
        except* (LeaseLost, WatchingEnded) as group:
            cause = group.exceptions[0]
        if cause is not None:
            raise cause

    def _asker(self, store: Store) -> Asker | None:
        chosen = self._chosen
        if chosen.asks_per_second <= 0:
            return None
        return Asker(store.pods, chosen.asks_per_second, chosen.ask_every_s, self._queue.add, self._metrics)

    def _nudger(self, api: Api, store: Store) -> Nudger | None:
        per_second = self._chosen.nudges_per_second
        return Nudger(api, per_second, store.pods, self._metrics) if per_second > 0 else None

    def _certificate_keeper(self, api: Api) -> CertificateKeeper | None:
        options = self._chosen.certificates
        return None if options is None else CertificateKeeper(api, options)

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do it, unless the process is to stop; whether it was done. Raises what it raises."""
        doing = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                doing.result()
                return True
            return False
        finally:
            for task in (doing, stopping):
                task.cancel()
            await asyncio.gather(doing, stopping, return_exceptions=True)

    async def _patiently(self, deed: Any) -> None:
        """Do what must be done before all else, as often as it takes."""
        told = None
        while True:
            try:
                await deed()
                return
            except ApiError as error:
                if str(error) != told:
                    told = str(error)
                    event(logger, logging.WARNING, "waiting for the API server", error=told)
                await clock.sleep(max(_AGAIN_S, error.retry_after_s))

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)

    def _ill(self) -> list[str]:
        troubles = []
        waiting = self._queue.waiting_s()
        if self._listed.is_set() and waiting > _STUCK_S:
            troubles.append(f"the oldest decision has waited for {waiting:.0f} s")
        if self._sweeper is not None:
            troubles += [f"the watch of {kind} is blind" for kind in sorted(self._sweeper.blind)]
        return troubles

    def _busy(self) -> list[str]:
        if not self._leads:
            return ["another operator holds the Lease, or it cannot be reached"]
        return [] if self._listed.is_set() else ["not everything was listed yet"]


async def _defined(api: Api) -> None:
    """Whether the API server knows ClaudePolicy; raises ApiError."""
    path = f"/apis/{names.GROUP}/{names.VERSION}"
    found = await api.get(path)
    if not any(each.get("name") == names.PLURAL for each in found.get("resources") or ()):
        raise ApiError(404, f"{path} has no {names.PLURAL}: is the CustomResourceDefinition installed?")

"""Asks sidecars which policy they run: new and late ones soon, settled ones now and then."""

import asyncio
import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp

from claude_operator import names
from claude_operator.desired.token_bucket import TokenBucket
from claude_operator.desired.world import Pod, Report
from claude_operator.reconcile.keys import PolicyKey
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.sidecar_status import ask, session
from claude_sidecar import clock

AT_ONCE = 256
"""More than can be silent at a time: each of those holds its place until it is given up."""
FIRST_AGAIN_S = 1.0
LONGEST_AGAIN_S = 30.0
"""How long a sidecar that answers, and does not run what it should, is left alone at most."""
FAILURES_TOLD = 3
"""So many times in a row a sidecar must not have answered before that is told."""


@dataclass(slots=True)
class _Asked:
    due: float
    wanted: str | None = None
    failures: int = 0
    behind: int = 0


class Asker:
    """Reports by UID of the pod.

    pods: by UID, as last seen. per_second: how many are asked at most. every_s: how often one is asked that
    runs what it should. told: called with the policy of a pod whose report changed.
    port: of the sidecars for such questions.
    """

    def __init__(
        self,
        pods: Mapping[str, Pod],
        per_second: float,
        every_s: float,
        told: Callable[[PolicyKey], None],
        metrics: Metrics,
        port: int = names.ADMIN_PORT,
    ) -> None:
        self.reports: dict[str, Report | None] = {}
        self._pods = pods
        self._per_second, self._every_s, self._told, self._metrics = per_second, every_s, told, metrics
        self._port = port
        self._asked: dict[str, _Asked] = {}
        self._heap: list[tuple[float, str]] = []
        self._wake = asyncio.Event()

    def follow(self, pods: list[Pod], wanted: str | None) -> None:
        """Take in a policy's pods and the hash that they should run; those it is news to are asked soon."""
        now = clock.now()
        for pod in pods:
            known = self._asked.get(pod.uid)
            if not pod.counts or not pod.ip:
                self._forget(pod.uid)
            elif known is None:
                self._asked[pod.uid] = _Asked(now, wanted)
                self._at(pod.uid, now)
            elif known.wanted != wanted:
                known.wanted, known.behind = wanted, 0
                self._at(pod.uid, now)

    def _forget(self, uid: str) -> None:
        self._asked.pop(uid, None)
        self.reports.pop(uid, None)

    async def run(self) -> None:
        """Ask until cancelled."""
        bucket = TokenBucket.full(self._per_second, max(1.0, self._per_second / 4), clock.now())
        limit = asyncio.Semaphore(AT_ONCE)
        async with session() as asking, asyncio.TaskGroup() as tasks:
            while True:
                uid = await self._next()
                bucket, wait = bucket.taken(clock.now())
                while wait:
                    await clock.sleep(wait)
                    bucket, wait = bucket.taken(clock.now())
                asked, pod = self._asked.get(uid), self._pods.get(uid)
                if asked is None or pod is None or not pod.counts:
                    self._forget(uid)
                    continue
                await limit.acquire()
                task = tasks.create_task(self._ask(asking, pod, asked))
                task.add_done_callback(lambda _: limit.release())

    async def _next(self) -> str:
        while True:
            now = clock.now()
            while self._heap and self._heap[0][0] <= now:
                due, uid = heapq.heappop(self._heap)
                asked = self._asked.get(uid)
                if asked is not None and asked.due == due:
                    asked.due = -1.0
                    return uid
            self._wake.clear()
            wait = self._heap[0][0] - now if self._heap else None
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _pause_s(self, asked: _Asked, settled: bool, answers: bool) -> float:
        if settled:
            return self._every_s
        longest = min(LONGEST_AGAIN_S, self._every_s) if answers else self._every_s
        return float(min(longest, FIRST_AGAIN_S * 2 ** min(asked.behind - 1, 16)))

    def _at(self, uid: str, due: float) -> None:
        asked = self._asked[uid]
        asked.due = due
        heapq.heappush(self._heap, (due, uid))
        self._wake.set()

    async def _ask(self, asking: aiohttp.ClientSession, pod: Pod, asked: _Asked) -> None:
        report = await ask(asking, pod.ip, self._port)
        self._metrics.asks.labels("answered" if report is not None else "silent").inc()
        if self._asked.get(pod.uid) is not asked:
            return
        asked.failures = 0 if report is not None else asked.failures + 1
        settled = report is not None and report.hash == asked.wanted
        asked.behind = 0 if settled else asked.behind + 1
        if asked.due < 0:  # else a change had it asked again meanwhile
            self._at(pod.uid, clock.now() + self._pause_s(asked, settled, report is not None))
        if report is None and asked.failures < FAILURES_TOLD:
            return
        if pod.uid not in self.reports or self.reports[pod.uid] != report:
            self.reports[pod.uid] = report
            for name in pod.mounts:
                self._told(PolicyKey(pod.namespace, name))

"""Touches pods so that their kubelets look at once, at a bounded rate."""

import asyncio
import logging

from claude_operator import names
from claude_operator.cluster import paths
from claude_operator.cluster.api import MERGE_PATCH, ApiError, Requests
from claude_operator.desired.desired import Nudge
from claude_operator.desired.token_bucket import TokenBucket
from claude_operator.desired.world import Object, Pod
from claude_operator.reconcile.metrics import Metrics
from claude_sidecar import clock
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)

_GONE = (404, 409)
_NEVER_TAKEN = (400, 413, 422)
"""By an admission policy, say: the same patch would meet the same."""
_REFUSED_PAUSE_S = 30.0
_BURST_S = 2.5
"""Seconds' worth of nudges that go at once after a quiet time: with the usual 20 a second, 50 pods."""
_AT_A_TIME = 4
"""Requests under way: one after the other, 50 took 0.8 s of the 2 s in which an edit is to be in force."""


class Nudger:
    """Nudges that wait for their turn, one for each pod.

    pods: by UID, as last seen. A nudge that fails is given up: it only hastens what happens anyway.
    """

    def __init__(self, api: Requests, per_second: float, pods: dict[str, Pod], metrics: Metrics) -> None:
        self._api, self._pods, self._metrics = api, pods, metrics
        self._waiting: dict[str, Nudge] = {}
        self._under_way: set[str] = set()
        self._sent: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._bucket = TokenBucket.full(per_second, max(1.0, _BURST_S * per_second), clock.now())
        self._not_before = clock.now()

    def add(self, nudge: Nudge) -> None:
        """Have a pod nudged, once for each value."""
        if self._sent.get(nudge.uid) != nudge.value:
            self._waiting[nudge.uid] = nudge
            self._wake.set()

    async def run(self) -> None:
        """Nudge until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_AT_A_TIME):
                tasks.create_task(self._take_turns())

    async def _take_turns(self) -> None:
        while True:
            # Two requests for one pod could overtake each other.
            uid = next((uid for uid in self._waiting if uid not in self._under_way), None)
            if uid is None:
                self._sent = {uid: value for uid, value in self._sent.items() if uid in self._pods}
                self._wake.clear()
                await self._wake.wait()
            elif pause_s := self._pause_s():
                await clock.sleep(pause_s)
            else:
                await self._nudge(self._waiting.pop(uid))

    def _pause_s(self) -> float:
        """How long nobody may send; 0: one may, and that is counted."""
        now = clock.now()
        if now < self._not_before:
            return self._not_before - now
        self._bucket, wait_s = self._bucket.taken(now)
        return wait_s

    async def _nudge(self, nudge: Nudge) -> None:
        pod = self._pods.get(nudge.uid)
        if pod is None or pod.nudge == nudge.value:
            return
        self._sent[nudge.uid] = nudge.value
        self._under_way.add(nudge.uid)
        patch: Object = {"metadata": {"uid": nudge.uid, "annotations": {names.NUDGE: nudge.value}}}
        path = paths.pod(nudge.namespace, nudge.pod)
        try:
            await self._api.send("PATCH", path, patch, MERGE_PATCH, fieldManager=names.OPERATOR)
        except ApiError as error:
            self._metrics.writes.labels("nudge", "failed").inc()
            if error.status in _GONE:
                return
            event(logger, logging.WARNING, "pod not nudged", pod=nudge.pod, error=str(error))
            if error.status not in _NEVER_TAKEN:
                self._sent.pop(nudge.uid, None)
                pause_s = max(error.retry_after_s, _REFUSED_PAUSE_S if error.status == 403 else 1.0)
                self._not_before = max(self._not_before, clock.now() + pause_s)
        else:
            self._metrics.writes.labels("nudge", "done").inc()
        finally:
            self._under_way.discard(nudge.uid)
            self._wake.set()

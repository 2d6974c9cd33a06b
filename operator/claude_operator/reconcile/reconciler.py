"""Takes keys off the queue, decides about each, and carries out what was decided."""

import logging
from dataclasses import replace

from claude_operator import names
from claude_operator.cluster.api import ApiError
from claude_operator.desired.appraisal import Appraisal, Judge, appraised
from claude_operator.desired.decide import decide_policies, decide_workloads
from claude_operator.desired.desired import Desired
from claude_operator.desired.world import Object, World
from claude_operator.reconcile.asker import Asker
from claude_operator.reconcile.event_writer import EventWriter
from claude_operator.reconcile.keys import Key, PolicyKey
from claude_operator.reconcile.metrics import Metrics
from claude_operator.reconcile.nudger import Nudger
from claude_operator.reconcile.store import Store
from claude_operator.reconcile.work_queue import WorkQueue
from claude_operator.reconcile.writer import Writer
from claude_sidecar import __version__, clock
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)

_CONFLICT = 409
_NOT_ALLOWED = (400, 403, 413, 422)
_GOING = "because it is being terminated"
"""How the refusal of an object in a namespace ends that goes away: nobody need be told of that."""


class Reconciler:
    """One pass after another; several `run` at a time, never two for one key.

    asker, nudger: None where sidecars are not asked, pods not nudged. foreign_again_s: how often a ConfigMap
    that is in a policy's way is looked at, since it is not watched.
    """

    def __init__(
        self,
        store: Store,
        queue: WorkQueue[Key],
        writer: Writer,
        events: EventWriter,
        asker: Asker | None,
        nudger: Nudger | None,
        judge: Judge,
        metrics: Metrics,
        foreign_again_s: float,
    ) -> None:
        self._store, self._queue, self._writer, self._events = store, queue, writer, events
        self._asker, self._nudger, self._judge, self._metrics = asker, nudger, judge, metrics
        self._foreign_again_s = foreign_again_s
        self._appraisals: dict[PolicyKey, tuple[tuple[str, int], Appraisal]] = {}
        self._written: dict[str, float] = {}
        self._not_written: dict[str, str] = {}
        self._looked: dict[PolicyKey, float] = {}

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            key = await self._queue.take()
            about = "policy" if isinstance(key, PolicyKey) else "workload"
            try:
                with self._metrics.pass_seconds.time():
                    await self._pass(key)
            except ApiError as error:
                wait = self._queue.failed(key, error.retry_after_s)
                self._metrics.passes.labels(about, "failed").inc()
                event(
                    logger,
                    logging.WARNING,
                    "pass failed",
                    about=str(tuple(key)),
                    error=str(error),
                    again_s=wait,
                )
            except BaseException:
                self._queue.failed(key)
                raise
            else:
                self._queue.done(key)
                self._metrics.passes.labels(about, "done").inc()

    async def _pass(self, key: Key) -> None:
        refusal = None
        if isinstance(key, PolicyKey):
            await self._look(key)
            world = self._known(key, self._store.about_policy(key))
            desired = decide_policies(world, self._appraise)
            refusal = await self._write_file(key, world, desired)
            if refusal is not None:  # decide what is to be told of it
                world = self._known(key, self._store.about_policy(key))
                desired = decide_policies(world, self._appraise)
            await self._carry_out_policy(key, world, desired)
        else:
            world = self._known(key, self._store.about_workload(key))
            desired = decide_workloads(world)
        for each in desired.events:
            await self._events.write(key, each)
            self._metrics.writes.labels("event", "done").inc()
        self._events.forget_others(key, desired)
        if desired.standing:
            self._queue.add_later(key, self._events.again_in_s(key, desired.standing, world.now))
        if desired.again_at is not None:
            self._queue.add_later(key, max(0.0, desired.again_at - world.now))
        if refusal is not None:
            raise refusal

    def _known(self, key: Key, part: World) -> World:
        """A part of the World with all that is not in the store."""
        reports = self._asker.reports if self._asker is not None else {}
        now = clock.unix_ns() / 1e9
        return replace(
            part,
            reports={pod.uid: reports[pod.uid] for pod in part.pods if pod.uid in reports},
            told=self._events.told(key, now),
            written={
                uid: self._written[uid]
                for policy in part.policies
                if (uid := policy["metadata"]["uid"]) in self._written
            },
            not_written={
                uid: self._not_written[uid]
                for policy in part.policies
                if (uid := policy["metadata"]["uid"]) in self._not_written
            },
            now=now,
            version=__version__,
            asking=self._asker is not None,
            nudging=self._nudger is not None,
        )

    async def _write_file(self, key: PolicyKey, world: World, desired: Desired) -> ApiError | None:
        """Make, change or delete the ConfigMap; the error where a policy that is there may not have it."""
        try:
            for new in desired.create:
                await self._writer.create(new)
            for change in desired.change:
                await self._writer.change(change)
            for gone in desired.delete:
                await self._writer.delete(gone)
        except ApiError as error:
            if error.status == _CONFLICT and desired.create:  # there is one that is not watched
                self._looked.pop(key, None)
            if error.status not in _NOT_ALLOWED or _GOING in str(error) or not world.policies:
                raise
            self._not_written |= {policy["metadata"]["uid"]: str(error) for policy in world.policies}
            return error
        for policy in world.policies:
            self._not_written.pop(policy["metadata"]["uid"], None)
        return None

    async def _carry_out_policy(self, key: PolicyKey, world: World, desired: Desired) -> None:
        for status in desired.statuses:
            await self._writer.status(status)
            self._written[status.uid] = world.now
        if self._asker is not None:
            policy = world.policies[0] if world.policies else None
            self._asker.follow(list(world.pods), self._appraise(policy).hash if policy else None)
        if self._nudger is not None:
            for nudge in desired.nudges:
                self._nudger.add(nudge)
        if not world.policies:
            self._forget(key)

    async def _look(self, key: PolicyKey) -> None:
        """See whether a ConfigMap that is not watched is in the policy's way."""
        there = self._store.config_maps.get((key.namespace, names.configmap_name(key.policy)))
        if key not in self._store.policies or (there is not None and there.ours):
            return
        space = self._store.namespaces.get(key.namespace)
        if space is not None and space.terminating:
            return
        now = clock.now()
        if key not in self._looked or now - self._looked[key] >= self._foreign_again_s:
            there = await self._writer.look(key)
            self._looked[key] = now
        if there is not None and not there.ours:
            self._queue.add_later(key, self._looked[key] + self._foreign_again_s - now + 0.1)

    def _appraise(self, policy: Object) -> Appraisal:
        meta = policy["metadata"]
        key, edit = PolicyKey(meta["namespace"], meta["name"]), (meta["uid"], meta["generation"])
        known = self._appraisals.get(key)
        if known is not None and known[0] == edit:
            return known[1]
        appraisal = appraised(policy, self._judge)
        self._appraisals[key] = (edit, appraisal)
        return appraisal

    def _forget(self, key: PolicyKey) -> None:
        """A policy is gone."""
        self._looked.pop(key, None)
        known = self._appraisals.pop(key, None)
        if known is not None:
            self._written.pop(known[0][0], None)
            self._not_written.pop(known[0][0], None)

"""What is known of the cluster, and which decisions a change concerns."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from claude_operator import names
from claude_operator.desired.subjects import subject_of, top_of
from claude_operator.desired.world import (
    ConfigMap,
    Namespace,
    Object,
    Pod,
    Refusal,
    Workload,
    World,
)
from claude_operator.reconcile.keys import Key, PolicyKey, WorkloadKey
from claude_operator.reconcile.kinds import Record

_Place = tuple[str, str]


class Store:
    """Records by UID, with what finds the parts of a World.

    concerns: called with each key that a change concerns. excluded: namespaces where nothing is injected.
    """

    def __init__(self, concerns: Callable[[Key], None], excluded: Collection[str] = ()) -> None:
        self.policies: dict[_Place, Object] = {}
        self.config_maps: dict[_Place, ConfigMap] = {}
        self.namespaces: dict[str, Namespace] = {}
        self.pods: dict[str, Pod] = {}
        self.workloads: dict[str, Workload] = {}
        self.refusals: dict[str, Refusal] = {}
        self._concerns, self._excluded = concerns, excluded
        self._mounting: dict[_Place, set[str]] = defaultdict(set)
        self._made_by: dict[str, set[str]] = defaultdict(set)
        self._told_of: dict[str, set[str]] = defaultdict(set)

    # -- changes

    def put(self, record: Record) -> None:
        """Take in an object as it is now."""
        match record:
            case Pod():
                self._put_pod(record)
            case Workload():
                self._put_workload(record)
            case ConfigMap():
                self.config_maps[record.namespace, record.name] = record
                self._concerns(_policy_of(record))
            case Namespace():
                before = self.namespaces.get(record.name)
                now = replace(record, excluded=record.name in self._excluded)
                self.namespaces[record.name] = now
                if before is None or replace(before, version=now.version) != now:
                    self._concern_namespace(record.name)
            case Refusal():
                self.refusals[record.uid] = record
                self._told_of[record.about].add(record.uid)
                self._concern_refused(record)
            case dict():
                self._put_policy(record)

    def drop(self, record: Record) -> None:
        """Forget an object that is gone."""
        match record:
            case Pod():
                if (pod := self.pods.pop(record.uid, None)) is not None:
                    self._drop_pod(pod)
            case Workload():
                if (workload := self.workloads.get(record.subject.uid)) is not None:
                    self._drop_workload(workload)
            case ConfigMap():
                seen = self.config_maps.get((record.namespace, record.name))
                if seen is not None and seen.uid == record.uid:
                    del self.config_maps[record.namespace, record.name]
                    self._concerns(_policy_of(record))
            case Namespace():
                self.namespaces.pop(record.name, None)
            case Refusal():
                if self.refusals.pop(record.uid, None) is not None:
                    _discard(self._told_of, record.about, record.uid)
                    self._concern_refused(record)
            case dict():
                meta = record["metadata"]
                seen_policy = self.policies.get((meta["namespace"], meta["name"]))
                if seen_policy is not None and seen_policy["metadata"]["uid"] == meta["uid"]:
                    del self.policies[meta["namespace"], meta["name"]]
                    self._concerns(PolicyKey(meta["namespace"], meta["name"]))
                    self._concern_workloads(meta["namespace"])

    def _put_policy(self, policy: Object) -> None:
        meta = policy["metadata"]
        place = meta["namespace"], meta["name"]
        is_new = place not in self.policies
        self.policies[place] = policy
        self._concerns(PolicyKey(*place))
        if is_new:
            self._concern_workloads(meta["namespace"])

    def _put_pod(self, pod: Pod) -> None:
        before = self.pods.get(pod.uid)
        self.pods[pod.uid] = pod
        if before is not None:
            if replace(before, version=pod.version) == pod:
                return
            # Its owner may be another now: a label that is taken off sets a pod free of its ReplicaSet.
            self._drop_pod(before)
        for name in pod.mounts:
            self._mounting[pod.namespace, name].add(pod.uid)
        if pod.owner is not None:
            self._made_by[pod.owner.uid].add(pod.uid)
        self._concern_pod(pod)

    def _drop_pod(self, pod: Pod) -> None:
        self._concern_pod(pod)
        for name in pod.mounts:
            _discard(self._mounting, (pod.namespace, name), pod.uid)
        if pod.owner is not None:
            _discard(self._made_by, pod.owner.uid, pod.uid)

    def _put_workload(self, workload: Workload) -> None:
        before = self.workloads.get(workload.subject.uid)
        if before is not None and replace(before, version=workload.version) != workload:
            self._drop_workload(before)
            before = None
        self.workloads[workload.subject.uid] = workload
        if before is None:
            if workload.owner is not None:
                self._made_by[workload.owner.uid].add(workload.subject.uid)
            self._concern_top(workload)

    def _drop_workload(self, workload: Workload) -> None:
        self._concern_top(workload)  # while its chain of owners is whole
        del self.workloads[workload.subject.uid]
        if workload.owner is not None:
            _discard(self._made_by, workload.owner.uid, workload.subject.uid)

    # -- whom a change concerns

    def _concern_pod(self, pod: Pod) -> None:
        for name in pod.mounts:
            self._concerns(PolicyKey(pod.namespace, name))
        subject = subject_of(pod, self.workloads)
        if subject is not None:
            self._concerns(WorkloadKey(pod.namespace, subject.uid))

    def _concern_refused(self, refusal: Refusal) -> None:
        if (workload := self.workloads.get(refusal.about)) is not None:
            self._concern_top(workload)

    def _concern_top(self, workload: Workload) -> None:
        top = workload.subject if workload.owner is None else top_of(workload.subject, self.workloads)
        if top is not None:
            self._concerns(WorkloadKey(workload.subject.namespace, top.uid))

    def _concern_workloads(self, namespace: str) -> None:
        for workload in self.workloads.values():
            if workload.subject.namespace == namespace and workload.owner is None:
                self._concern_top(workload)
        for pod in self.pods.values():
            if pod.namespace == namespace:
                self._concern_pod(pod)

    def _concern_namespace(self, namespace: str) -> None:
        self._concern_workloads(namespace)
        for space, name in self.policies:
            if space == namespace:
                self._concerns(PolicyKey(namespace, name))
        for config_map in self.config_maps.values():
            if config_map.namespace == namespace:
                self._concerns(_policy_of(config_map))

    # -- parts of the World

    def mounting(self, key: PolicyKey) -> list[Pod]:
        """The pods that mount a policy's ConfigMap."""
        return [self.pods[uid] for uid in self._mounting.get(key, ())]

    def about_policy(self, key: PolicyKey) -> World:
        """The World cut down to a policy."""
        policy = self.policies.get(key)
        config_map = self.config_maps.get((key.namespace, names.configmap_name(key.policy)))
        return World(
            policies=() if policy is None else (policy,),
            config_maps=() if config_map is None else (config_map,),
            pods=tuple(self.mounting(key)),
            namespaces=self._only(key.namespace),
        )

    def about_workload(self, key: WorkloadKey) -> World:
        """The World cut down to a workload."""
        uids = list(self._with_made(key.uid))
        told_of = {each for uid in uids for each in self._told_of.get(uid, ())}
        return World(
            policies=tuple(policy for place, policy in self.policies.items() if place[0] == key.namespace),
            pods=tuple(self.pods[uid] for uid in uids if uid in self.pods),
            workloads=tuple(self.workloads[uid] for uid in uids if uid in self.workloads),
            refusals=tuple(self.refusals[uid] for uid in told_of),
            namespaces=self._only(key.namespace),
        )

    def _with_made(self, uid: str) -> Iterator[str]:
        """A UID and those of all that it made, through whatever."""
        seen, waiting = set(), [uid]
        while waiting:
            current = waiting.pop()
            if current not in seen:
                seen.add(current)
                yield current
                waiting += self._made_by.get(current, ())

    def _only(self, namespace: str) -> dict[str, Namespace]:
        seen = self.namespaces.get(namespace)
        return {} if seen is None else {namespace: seen}


def _discard(index: dict[_Place, set[str]] | dict[str, set[str]], place: object, uid: str) -> None:
    held = index.get(place)  # type: ignore[call-overload]
    if held is not None:
        held.discard(uid)
        if not held:
            del index[place]  # type: ignore[arg-type]


def _policy_of(config_map: ConfigMap) -> PolicyKey:
    return PolicyKey(config_map.namespace, config_map.name.removeprefix(names.CONFIGMAP_PREFIX))

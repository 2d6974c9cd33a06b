"""From the World to what is to be done."""

from collections import defaultdict
from collections.abc import Iterable

from claude_operator import names
from claude_operator.desired.api_version import api_version_for
from claude_operator.desired.appraisal import Appraise
from claude_operator.desired.config_maps import left_behind, policy_file, written_config_map
from claude_operator.desired.counts import counted
from claude_operator.desired.desired import (
    ChangedConfigMap,
    Desired,
    Event,
    NewConfigMap,
    SuperfluousConfigMap,
    joined,
)
from claude_operator.desired.nudges import nudges
from claude_operator.desired.policy_events import policy_events
from claude_operator.desired.statuses import due, status_of
from claude_operator.desired.subjects import as_workload, subject_of, top_of
from claude_operator.desired.takes_up import Wanted
from claude_operator.desired.workload_events import workload_events
from claude_operator.desired.world import ConfigMap, Namespace, Object, Pod, Refusal, Subject, World

_Place = tuple[str, str]


def decide(world: World, appraise: Appraise) -> Desired:
    """All that is to be done in a World; nothing, where all is as it ought to be."""
    return joined([decide_policies(world, appraise), decide_workloads(world)])


def decide_policies(world: World, appraise: Appraise) -> Desired:
    """What is to be done about policies and their ConfigMaps.

    The World may be cut down to one policy with its ConfigMap and the pods that mount it, and to its
    namespace: what is decided of that part is the same.
    """
    mounting: dict[_Place, list[Pod]] = defaultdict(list)
    for pod in world.pods:
        for name in pod.mounts:
            mounting[pod.namespace, name].append(pod)
    maps = {(each.namespace, each.name): each for each in world.config_maps}
    known = set()
    parts = []
    for policy in world.policies:
        meta = policy["metadata"]
        place = meta["namespace"], meta["name"]
        known.add((meta["namespace"], names.configmap_name(meta["name"])))
        if not _is_going(world, meta["namespace"]):
            seen = maps.get((meta["namespace"], names.configmap_name(meta["name"])))
            parts.append(_of_policy(world, appraise, policy, seen, mounting[place]))
    for place, seen in maps.items():
        if place not in known and not _is_going(world, seen.namespace):
            pods = mounting[seen.namespace, seen.name.removeprefix(names.CONFIGMAP_PREFIX)]
            gone = left_behind(seen, pods)
            parts.append(Desired(delete=(gone,) if gone else ()))
    return joined(parts)


def _is_going(world: World, namespace: str) -> bool:
    seen = world.namespaces.get(namespace)
    return seen is not None and seen.terminating


def _of_policy(
    world: World, appraise: Appraise, policy: Object, seen: ConfigMap | None, pods: list[Pod]
) -> Desired:
    appraisal = appraise(policy)
    uid = policy["metadata"]["uid"]
    foreign = seen.name if seen is not None and not seen.ours else None
    target = Wanted(appraisal.hash, policy["metadata"]["generation"], world.version)
    counts = counted(pods, world.reports if world.asking else {}, target, appraisal.route_names)
    if not world.asking:
        counts = counts.unasked()
    step = None
    if not appraisal.problems and foreign is None:
        said = (world.reports.get(pod.uid) for pod in pods)
        api_version = api_version_for(report.version for report in said if report is not None)
        step = written_config_map(policy, policy_file(policy, appraisal, api_version), seen)
    not_written = world.not_written.get(uid) if step is not None else None
    wanted = status_of(policy, appraisal, foreign, not_written, counts, world.now, world.asking)
    status = due(policy, wanted, counts, world.written.get(uid), world.now)
    ready = status is not None and status.at <= world.now
    events = policy_events(policy, appraisal, foreign, not_written, counts)
    told_to = []
    if world.nudging and step is None and seen is not None and foreign is None and not appraisal.problems:
        told_to = nudges(pods, world.reports, target, seen, world.asking)
    return Desired(
        create=(step,) if isinstance(step, NewConfigMap) else (),
        change=(step,) if isinstance(step, ChangedConfigMap) else (),
        delete=(step,) if isinstance(step, SuperfluousConfigMap) else (),
        statuses=(status.status,) if status is not None and ready else (),
        events=_untold(events, world),
        nudges=tuple(told_to),
        standing=frozenset(event.name for event in events),
        certain=not world.asking or counts.unread == 0,
        again_at=status.at if status is not None and not ready else None,
    )


def decide_workloads(world: World) -> Desired:
    """What is to be told of workloads.

    The World may be cut down to one workload with all that it made, through whatever, and to its namespace
    with that one's policies: what is decided of that part is the same.
    """
    by_uid = {each.subject.uid: each for each in world.workloads}
    by_uid |= {pod.uid: as_workload(pod) for pod in world.pods if pod.owner is None}
    subjects: dict[str, Subject] = {}
    pods: dict[str, list[Pod]] = defaultdict(list)
    refusals: dict[str, list[Refusal]] = defaultdict(list)
    for workload in by_uid.values():
        if workload.owner is None:
            subjects[workload.subject.uid] = workload.subject
    for pod in world.pods:
        subject = subject_of(pod, by_uid)
        if subject is not None:
            subjects[subject.uid] = subject
            pods[subject.uid].append(pod)
    for refusal in world.refusals:
        about = by_uid.get(refusal.about)
        subject = top_of(about.subject, by_uid) if about is not None else None
        if subject is not None:
            refusals[subject.uid].append(refusal)
    policies = defaultdict(set)
    for policy in world.policies:
        policies[policy["metadata"]["namespace"]].add(policy["metadata"]["name"])
    parts = []
    for uid, subject in subjects.items():
        place = world.namespaces.get(subject.namespace) or Namespace(subject.namespace, "")
        if place.terminating:
            continue
        there = frozenset(policies[subject.namespace])
        events = workload_events(subject, by_uid.get(uid), pods[uid], refusals[uid], place, there)
        parts.append(
            Desired(events=_untold(events, world), standing=frozenset(event.name for event in events))
        )
    return joined(parts)


def _untold(events: Iterable[Event], world: World) -> tuple[Event, ...]:
    return tuple(event for event in events if event.name not in world.told)

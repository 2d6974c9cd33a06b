"""Which object at the top makes a pod."""

from collections.abc import Mapping

from claude_operator.desired.world import Pod, Subject, Workload

WATCHED = frozenset(
    {
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "StatefulSet"),
        ("batch/v1", "CronJob"),
        ("batch/v1", "Job"),
    }
)
"""Kinds of workloads that the World holds."""


def top_of(owner: Subject, workloads: Mapping[str, Workload]) -> Subject | None:
    """The last controller in a chain of them; None while a link of it is not known yet.

    workloads: by UID.
    """
    seen: set[str] = set()
    while owner.uid not in seen:
        seen.add(owner.uid)
        known = workloads.get(owner.uid)
        if known is None:
            is_first = len(seen) == 1
            return None if is_first and (owner.api_version, owner.kind) in WATCHED else owner
        if known.owner is None:
            return known.subject
        owner = known.owner
    return owner


def subject_of(pod: Pod, workloads: Mapping[str, Workload]) -> Subject | None:
    """What an event about a pod is told of: what makes it, or the pod itself; None while not known yet."""
    return pod.subject if pod.owner is None else top_of(pod.owner, workloads)


def as_workload(pod: Pod) -> Workload:
    """A pod that nothing makes, as its own workload; its template is itself."""
    return Workload(pod.subject, pod.version, template_policy=pod.policy, template_off=pod.off, over=pod.over)

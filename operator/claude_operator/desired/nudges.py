"""Which pods' kubelets are told to look at once."""

from collections.abc import Mapping

from claude_operator.desired.desired import Nudge
from claude_operator.desired.takes_up import Wanted
from claude_operator.desired.world import ConfigMap, Pod, Report


def nudges(
    pods: list[Pod],
    reports: Mapping[str, Report | None],
    wanted: Wanted,
    seen: ConfigMap,
    asking: bool,
) -> list[Nudge]:
    """Pods that run an earlier policy and were not nudged for this one.

    pods: all that mount the policy. wanted: its hash is also the annotation's value, so that a pod is nudged
    once for each policy, whoever restarts in between. seen: the ConfigMap, which holds the policy already.
    asking: whether sidecars are asked; one that was not asked yet is waited for.
    """
    known = [pod for pod in pods if pod.counts and (pod.uid in reports or not asking)]
    return [
        Nudge(pod.namespace, pod.name, pod.uid, wanted.hash)
        for pod in known
        if pod.nudge != wanted.hash and _is_behind(pod, reports, wanted, seen)
    ]


def _is_behind(pod: Pod, reports: Mapping[str, Report | None], wanted: Wanted, seen: ConfigMap) -> bool:
    report = reports.get(pod.uid)
    if report is not None:
        return not wanted.is_run_by(report) and not report.restart_required
    # It does not say; a pod that is younger than the file's last change started with it.
    return pod.created_at < seen.written_at

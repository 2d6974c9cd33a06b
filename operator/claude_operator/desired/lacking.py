"""What asks for a sidecar and has none."""

from typing import Literal

from claude_operator.desired.world import Namespace, Pod, Workload
from claude_operator.policy_name import is_policy_name

SKIPPED = "skipped: "
"""How the outcome on a pod begins that the webhook left alone on purpose."""


def why_without(pod: Pod, namespace: Namespace) -> Literal["skipped", "missing"] | None:
    """Why a pod that asks for a sidecar has none; None where it has one, is over, or does not ask."""
    if pod.over or pod.terminating or pod.sidecar or pod.off or namespace.off or namespace.excluded:
        return None
    if pod.owner is not None and pod.owner.kind == "Node":
        return None
    if not (pod.policy or namespace.default_policy):
        return None
    return "skipped" if pod.outcome is not None and pod.outcome.startswith(SKIPPED) else "missing"


def is_uncopied(workload: Workload, namespace: Namespace) -> bool:
    """Whether its annotation never came to its template: nobody was there to copy it."""
    if workload.over or workload.policy is None or workload.subject.kind == "Pod":
        return False
    if is_off(workload, namespace) or not is_policy_name(workload.policy):
        return False  # the webhook copies no name that no policy can have
    own = workload.template_policy is not None and not workload.template_copied
    return not own and workload.template_policy != workload.policy


def is_off(workload: Workload, namespace: Namespace) -> bool:
    """Whether somebody said that nothing is to be injected there."""
    return workload.off or workload.template_off or namespace.off or namespace.excluded

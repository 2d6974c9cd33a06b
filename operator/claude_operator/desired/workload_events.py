"""What a person must know of workloads that ask for a sidecar, as events on what makes the pods."""

import re
from collections.abc import Iterator

from claude_operator import names
from claude_operator.desired.desired import Event
from claude_operator.desired.happening import warning
from claude_operator.desired.lacking import SKIPPED, is_off, is_uncopied, why_without
from claude_operator.desired.world import Namespace, Pod, Refusal, Subject, Workload

IMAGE_TROUBLE = frozenset(
    {
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_BOUNDS = re.compile(
    r"exceeded quota|failed quota|(maximum|minimum) \S+ usage per|max limit to request ratio per"
)
_NAMED = re.compile(r'^.*?pods? "[^"]*" is forbidden: ')


def workload_events(
    subject: Subject,
    workload: Workload | None,
    pods: list[Pod],
    refusals: list[Refusal],
    namespace: Namespace,
    policies: frozenset[str],
) -> list[Event]:
    """Every event whose state lasts.

    subject: what makes the pods, at the top. workload: what is known of it; None where it is of a kind that
    is not watched. pods: that it made, through whatever. refusals: of pods of its. policies: those of the
    namespace.
    """
    live = [pod for pod in pods if not pod.over and not pod.terminating]
    if namespace.excluded:
        return [*_excluded(subject, workload, live, namespace)]
    found = [*_named_policies(subject, workload, live, namespace, policies)]
    if workload is not None and not workload.over:
        found += _missed(subject, workload, namespace)
    found += _without_sidecar(subject, live, namespace)
    if _asks(workload, namespace):
        found += _refused(subject, refusals)
    found += _image_trouble(subject, live)
    return list({event.name: event for event in found}.values())


def _asks(workload: Workload | None, namespace: Namespace) -> bool:
    if workload is None or is_off(workload, namespace):
        return False
    return bool(workload.template_policy or workload.policy or namespace.default_policy)


def _excluded(
    subject: Subject, workload: Workload | None, pods: list[Pod], namespace: Namespace
) -> Iterator[Event]:
    """An annotation where no webhook ever looks."""
    named = {pod.policy for pod in pods if not pod.off}
    if workload is not None and not workload.over and not (workload.off or workload.template_off):
        named |= {workload.policy, workload.template_policy}
    if named - {None} and not namespace.off:
        message = (
            f"Nothing is injected in namespace {namespace.name}: it is kube-system, the operator's own, or "
            "among webhook.excludedNamespaces of the chart's values. Run the workload in another one."
        )
        yield warning(subject, "NamespaceExcluded", message)


def _missed(subject: Subject, workload: Workload, namespace: Namespace) -> Iterator[Event]:
    """An annotation on the workload that never came to its template: nobody was there to copy it."""
    if not is_uncopied(workload, namespace):
        return
    cure = (
        "a Job's template cannot change: make the Job anew"
        if subject.kind == "Job"
        else "annotate it again, or annotate its pod template"
    )
    message = (
        f"{names.POLICY}={workload.policy} did not reach the pod template, so pods are made without it; the "
        f"webhook was not there when the annotation came. To cure it, {cure}."
    )
    yield warning(subject, "SidecarMissing", message, "template")


def _without_sidecar(subject: Subject, pods: list[Pod], namespace: Namespace) -> Iterator[Event]:
    for pod in pods:
        why = why_without(pod, namespace)
        if why == "skipped" and pod.outcome is not None:
            reason = pod.outcome.removeprefix(SKIPPED)
            yield warning(subject, "SidecarSkipped", f"Pods have no sidecar: {reason}", reason)
        elif why is not None:
            message = (
                "Pods that ask for a sidecar have none: they started when the webhook was not there, or "
                "before their namespace asked. Restart them: kubectl rollout restart, or delete the pods."
            )
            yield warning(subject, "SidecarMissing", message, "pods")


def _named_policies(
    subject: Subject,
    workload: Workload | None,
    pods: list[Pod],
    namespace: Namespace,
    policies: frozenset[str],
) -> Iterator[Event]:
    named = {name for pod in pods for name in pod.mounts}
    if workload is not None and not workload.over and not is_off(workload, namespace):
        named |= {workload.template_policy or workload.policy or ""}
    for name in sorted(named - policies - {""}):
        message = (
            f"There is no ClaudePolicy {name} in namespace {subject.namespace}: sidecars run the last one "
            "that they were given, or the built-in one. Make the policy, or name another."
        )
        yield warning(subject, "PolicyNotFound", message, name)


def _refused(subject: Subject, refusals: list[Refusal]) -> Iterator[Event]:
    for refusal in sorted(refusals, key=lambda each: each.name):
        if _BOUNDS.search(refusal.message):
            why = _NAMED.sub("", refusal.message)
            message = (
                "Pods cannot be made: their sidecar's requests and limits count to the namespace's quota and "
                "LimitRange. Raise those, or lower these by annotation; ephemeral storage is asked for by "
                f"the chart's values, sidecar.resources. The API server said: {why}"
            )
            yield warning(subject, "PodsRefused", message, "bounds")


def _image_trouble(subject: Subject, pods: list[Pod]) -> Iterator[Event]:
    for pod in pods:
        if pod.sidecar and pod.waiting in IMAGE_TROUBLE:
            message = (
                f"Pods cannot start: the sidecar's image cannot be pulled ({pod.waiting}). Check the image "
                "in the chart's values, and the namespace's imagePullSecrets."
            )
            yield warning(subject, "SidecarImage", message)

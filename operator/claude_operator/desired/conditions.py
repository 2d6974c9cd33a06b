"""The conditions of a policy: Accepted, ResolvedRefs and Programmed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from claude_operator import names
from claude_operator.desired.appraisal import Appraisal
from claude_operator.desired.counts import Counts
from claude_operator.desired.world import Object

ACCEPTED, RESOLVED_REFS, PROGRAMMED = "Accepted", "ResolvedRefs", "Programmed"
OURS = (ACCEPTED, RESOLVED_REFS, PROGRAMMED)
CONFLICTED, INVALID, RESTART_REQUIRED = "Conflicted", "Invalid", "RestartRequired"
CREDENTIAL_MISSING, REFUSED, NOT_WRITTEN = "CredentialMissing", "Refused", "NotWritten"
_MESSAGE_CHARS = 8192

Truth = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One aspect of a policy's state. Messages hold no counts: a count that moves is no new condition."""

    type: str
    status: Truth
    reason: str
    message: str


def accepted(appraisal: Appraisal) -> Condition:
    """Whether the policy is right, in the words of `claude-sidecar check`."""
    if appraisal.problems:
        text = "\n".join(appraisal.problems)
        return Condition(ACCEPTED, "False", INVALID, text[:_MESSAGE_CHARS])
    return Condition(ACCEPTED, "True", "Accepted", "The policy is right.")


def programmed(
    appraisal: Appraisal, foreign: str | None, not_written: str | None, counts: Counts, asking: bool
) -> Condition:
    """Whether the policy is in force in its pods.

    foreign: name of a ConfigMap that is in the way. not_written: why the API server refused the policy's own.
    asking: whether sidecars are asked what they run.
    """
    if appraisal.problems:
        message = "The policy is refused, see Accepted; pods keep the last one that was right."
        return Condition(PROGRAMMED, "False", INVALID, message)
    if foreign is not None:
        message = (
            f"ConfigMap {foreign} is not the operator's and is left alone; delete it, or give the policy "
            "another name."
        )
        return Condition(PROGRAMMED, "False", CONFLICTED, message)
    if not_written is not None:
        message = (
            "The API server refuses the policy's ConfigMap, so pods keep the last one that they were given; "
            f"it is tried again. It says: {not_written}"
        )
        return Condition(PROGRAMMED, "False", NOT_WRITTEN, message[:_MESSAGE_CHARS])
    return _handed_out(counts, asking)


def _handed_out(counts: Counts, asking: bool) -> Condition:
    """Whether pods that have been given the policy run it."""
    if counts.total == 0:
        return Condition(PROGRAMMED, "True", "Programmed", "Handed out; no running pod uses it.")
    if not asking:
        return Condition(PROGRAMMED, "True", "Programmed", "Handed out; pods are not asked what they run.")
    if counts.restart_required:
        message = (
            "Some pods lack a credential that the policy names and keep the earlier one until they are "
            "restarted: a Secret is mounted when a pod starts."
        )
        return Condition(PROGRAMMED, "False", RESTART_REQUIRED, message)
    if counts.refusing:
        message = (
            "Some pods do not put it in force: `lastError` at their /status and their log say why. Most "
            "often the host of a route is not among the operator's allowed hosts; pods made before a host "
            "was allowed must be restarted."
        )
        return Condition(PROGRAMMED, "False", REFUSED, message)
    if counts.stale or counts.unread:
        return Condition(PROGRAMMED, "False", "Reconciling", "Handed out; some pods run an earlier one yet.")
    if counts.unreachable:
        message = f"Some pods do not answer on port {names.ADMIN_PORT}; whether they run it is not known."
        return Condition(PROGRAMMED, "Unknown", "Unreachable", message)
    return Condition(PROGRAMMED, "True", "Programmed", "Every running pod runs it.")


def resolved_refs(appraisal: Appraisal, counts: Counts, asking: bool) -> Condition:
    """Whether the pods have the credentials that the policy names; only they can tell."""
    if appraisal.problems:
        return Condition(RESOLVED_REFS, "Unknown", INVALID, "The policy is refused, see Accepted.")
    if counts.total == 0:
        message = "No running pod uses the policy, so nobody knows whether its Secrets are there."
        return Condition(RESOLVED_REFS, "Unknown", "NoPods", message)
    if not asking:
        return Condition(RESOLVED_REFS, "Unknown", "NotAsked", "Pods are not asked what they lack.")
    if counts.lacking:
        message = (
            f"In some pods a credential is missing for route {', '.join(counts.lacking)}: is the key in the "
            "Secret, and is the pod newer than the policy's first mention of that Secret?"
        )
        return Condition(RESOLVED_REFS, "False", CREDENTIAL_MISSING, message)
    if counts.unread or counts.unreachable:
        message = f"Some pods do not answer on port {names.ADMIN_PORT}; what they lack is not known."
        return Condition(RESOLVED_REFS, "Unknown", "Unreachable", message)
    return Condition(RESOLVED_REFS, "True", "ResolvedRefs", "Every running pod has every credential.")


def as_conditions(wanted: Iterable[Condition], seen: Object, generation: int, time: str) -> list[Object]:
    """The list for a status.

    seen: the status as it is; conditions of other writers stay, and a time stays where `status` does.
    generation: the policy's. time: now, as the API server writes times.
    """
    before = {each.get("type"): each for each in seen.get("conditions") or ()}
    ours = []
    for condition in wanted:
        old = before.get(condition.type) or {}
        kept = old.get("lastTransitionTime") if old.get("status") == condition.status else None
        ours.append(
            {
                "type": condition.type,
                "status": condition.status,
                "observedGeneration": generation,
                "lastTransitionTime": kept or time,
                "reason": condition.reason,
                "message": condition.message,
            }
        )
    others = [each for kind, each in before.items() if kind not in OURS]
    return ours + others

"""What a person must know of a policy, as events on it."""

from collections.abc import Iterator

from claude_operator import names
from claude_operator.desired.appraisal import Appraisal
from claude_operator.desired.conditions import (
    CONFLICTED,
    CREDENTIAL_MISSING,
    NOT_WRITTEN,
    RESTART_REQUIRED,
)
from claude_operator.desired.counts import Counts
from claude_operator.desired.desired import Event
from claude_operator.desired.happening import warning
from claude_operator.desired.world import Object, Subject

POLICY_REFUSED, SIDECAR_REFUSES = "PolicyRefused", "SidecarRefuses"


def policy_events(
    policy: Object, appraisal: Appraisal, foreign: str | None, not_written: str | None, counts: Counts
) -> list[Event]:
    """Every event whose state lasts.

    foreign: name of a ConfigMap that is in the way. not_written: why the API server refused the policy's own.
    """
    meta = policy["metadata"]
    subject = Subject(names.API_VERSION, names.KIND, meta["namespace"], meta["name"], meta["uid"])
    if appraisal.problems:
        text = "\n".join(appraisal.problems)
        return [warning(subject, POLICY_REFUSED, text, text)]
    found = []
    if foreign is not None:
        message = (
            f"ConfigMap {foreign} is not the operator's and is left alone: pods do not get this policy. "
            "Delete it, or give the policy another name."
        )
        found.append(warning(subject, CONFLICTED, message))
    if not_written is not None:
        message = (
            "The API server refuses the policy's ConfigMap: pods do not get this policy. Is there a quota of "
            f"ConfigMaps, or an admission policy? It says: {not_written}"
        )
        found.append(warning(subject, NOT_WRITTEN, message))
    return [*found, *_of_pods(subject, appraisal, counts)]


def _of_pods(subject: Subject, appraisal: Appraisal, counts: Counts) -> Iterator[Event]:
    """What is to be told of the pods that have been given the policy."""
    if counts.lacking:
        routes = ", ".join(counts.lacking)
        message = (
            f"Pods lack the credential of route {routes}. Put the key into the Secret that the policy names; "
            "pods that are older than the policy's first mention of that Secret must be restarted."
        )
        yield warning(subject, CREDENTIAL_MISSING, message, routes)
    if counts.restart_required:
        message = (
            "Pods keep the earlier policy until they are restarted, because they lack a credential that this "
            "one names: kubectl rollout restart."
        )
        yield warning(subject, RESTART_REQUIRED, message, appraisal.hash)
    if counts.refusing and not counts.restart_required:
        message = (
            "Pods do not put the policy in force: `lastError` at their /status and their log say why. Most "
            "often the host of a route is not among the operator's allowed hosts; pods made before a host "
            "was allowed must be restarted: kubectl rollout restart."
        )
        yield warning(subject, SIDECAR_REFUSES, message, appraisal.hash)

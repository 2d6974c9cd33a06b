"""A policy's status, and whether it is time to write it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from claude_operator.desired.appraisal import Appraisal
from claude_operator.desired.conditions import (
    ACCEPTED,
    CONFLICTED,
    INVALID,
    NOT_WRITTEN,
    OURS,
    PROGRAMMED,
    RESOLVED_REFS,
    Condition,
    accepted,
    as_conditions,
    programmed,
    resolved_refs,
)
from claude_operator.desired.counts import Counts
from claude_operator.desired.desired import Status
from claude_operator.desired.world import Object

COUNTS_EVERY_S = 30.0
"""How often bare counts are written, at most."""
ROLLOUT_EVERY_S = 5.0
"""How often counts are written while pods take up a policy, at most."""
PODS_EVERY_S = 2.0
"""How often what pods say may change a condition, at most."""

_OPTIONAL = ("hash", "pods", "podsSummary")


@dataclass(frozen=True, slots=True)
class Due:
    """A status that differs from the one that is there: to be written now, or not before `at`."""

    status: Status
    at: float


def status_of(
    policy: Object,
    appraisal: Appraisal,
    foreign: str | None,
    not_written: str | None,
    counts: Counts,
    now: float,
    asking: bool,
) -> Object:
    """The status that a policy ought to have.

    foreign: name of a ConfigMap that is in the way. not_written: why the API server refused the policy's own.
    now: unix seconds. asking: whether sidecars are asked.
    """
    seen = policy.get("status") or {}
    generation = policy["metadata"]["generation"]
    conditions: Iterable[Condition] = (
        accepted(appraisal),
        resolved_refs(appraisal, counts, asking),
        programmed(appraisal, foreign, not_written, counts, asking),
    )
    status: Object = {
        "observedGeneration": generation,
        "routes": appraisal.routes,
        # What was handed out last stays in force where this one is refused, by us or by the API server.
        "hash": seen.get("hash") if appraisal.problems or not_written else appraisal.hash,
        "conditions": as_conditions(conditions, seen, generation, _as_time(now)),
        "pods": counts.as_status(),
        "podsSummary": f"{counts.current}/{counts.total}" if asking else None,
    }
    if asking and counts.unread and _is_about_this(seen, status):
        _keep_what_pods_said(status, seen)
    return {key: value for key, value in status.items() if value is not None}


def due(policy: Object, wanted: Object, counts: Counts, written_at: float | None, now: float) -> Due | None:
    """When the wanted status must be written; None: it is there already.

    written_at: when this policy's status was last written, as far as is known.
    """
    seen = policy.get("status") or {}
    gone = tuple(field for field in _OPTIONAL if field in seen and field not in wanted)
    if not gone and all(seen.get(field) == value for field, value in wanted.items()):
        return None
    meta = policy["metadata"]
    status = Status(meta["namespace"], meta["name"], meta["uid"], meta["resourceVersion"], wanted, gone)
    if written_at is None or _of_the_policy(wanted) != _of_the_policy(seen):
        return Due(status, now)
    if _judged(wanted) != _judged(seen):
        pause = PODS_EVERY_S
    else:
        pause = ROLLOUT_EVERY_S if counts.stale else COUNTS_EVERY_S
    return Due(status, max(now, written_at + pause))


def _is_about_this(seen: Object, wanted: Object) -> bool:
    """Whether a status tells of the same policy, so that what it says of the pods is no older than that."""
    told = {each.get("type") for each in seen.get("conditions") or ()}
    return "pods" in seen and told.issuperset(OURS) and _of_the_policy(seen) == _of_the_policy(wanted)


def _keep_what_pods_said(status: Object, seen: Object) -> None:
    """Where pods were not asked yet, as after a start, what they last said stands until they were."""
    for field in ("pods", "podsSummary"):
        status[field] = seen.get(field)
    before = {each.get("type"): each for each in seen["conditions"]}
    status["conditions"] = [
        before[each["type"]] if each["type"] in (RESOLVED_REFS, PROGRAMMED) else each
        for each in status["conditions"]
    ]


def _of_the_policy(status: Object) -> tuple[object, ...]:
    """What a status says that pods have no part in."""
    told = {each.get("type"): each for each in status.get("conditions") or ()}
    own = told.get(ACCEPTED) or {}
    obstacle = (told.get(PROGRAMMED) or {}).get("reason")
    return (
        status.get("observedGeneration"),
        status.get("routes"),
        status.get("hash"),
        tuple(own.get(key) for key in ("status", "reason", "message", "observedGeneration")),
        obstacle if obstacle in (CONFLICTED, INVALID, NOT_WRITTEN) else None,
    )


def _judged(status: Object) -> list[object]:
    return [each for each in status.get("conditions") or () if each.get("type") in OURS]


def _as_time(now: float) -> str:
    return datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

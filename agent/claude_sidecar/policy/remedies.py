"""What would change the end of a failed call, by why no more was sent: for `explain`, beside the hint.

The hint tells of the failure itself; this, of what the policy or the app can do about the call.
"""

from collections.abc import Mapping

from claude_sidecar.causes import RETRYABLE, Cause, Listing
from claude_sidecar.policy.reasons import StopReason


def remedy_for(reason: StopReason, cause: Cause | None) -> str | None:
    """What to do about a call that ended so; None where nothing is. cause: of its failure, if known."""
    if cause is not None and (
        reason is StopReason.CAUSE_NOT_LISTED
        or (reason is StopReason.ATTEMPTS_SPENT and cause not in RETRYABLE)
    ):
        return _of_cause(cause)
    return _REMEDIES.get(reason)


def _of_cause(cause: Cause) -> str:
    if cause in RETRYABLE:
        return (
            f"a repeat may cure it: name {cause} in retry.causes, or in fallback.causes to have another "
            "route tried"
        )
    if cause.row.fallback is not Listing.NEVER:
        return (
            f"no repeat cures it; a route with a key of its own is tried where fallback.causes names {cause}"
        )
    return "no policy cures it: the request, or the object that it names, has to be another one"


_REMEDIES: Mapping[StopReason, str] = {
    StopReason.PASSES_ONCE: "only the app knows whether such a call may be sent again",
    StopReason.MAY_BE_RUNNING: (
        "ask for a stream: its silence tells of trouble, so that it is repeated; else raise timeouts.total "
        "and the app's own time-out"
    ),
    StopReason.UPSTREAM_FORBIDS: (
        "it is the upstream's own word; another route is tried where fallback.causes names the cause"
    ),
    StopReason.CAUSE_NOT_LISTED: (
        "the policy has it delivered: retry.causes lists what is repeated, fallback.causes what moves on"
    ),
    StopReason.ATTEMPTS_SPENT: (
        "the trouble outlasted the attempts: add a route to go to (routes, fallback.causes), or raise "
        "retry.maxAttempts and the time for it (timeouts.total, the app's own time-out)"
    ),
    StopReason.TURN_TOO_LATE: (
        "too many calls were repeated at once: add a route to go to, which needs no turn; retry.budget is "
        "the pace"
    ),
    StopReason.RETRY_AFTER_TOO_LONG: (
        "come again when the upstream says, or raise retry.maxRetryAfter and timeouts.total; another route "
        "is tried where fallback.causes names the cause"
    ),
    StopReason.DEADLINE: (
        "there was no time left: raise the app's own time-out and timeouts.total, or ask for a stream, which "
        "stream.quietAfter keeps alive meanwhile"
    ),
    StopReason.NO_ROUTE: (
        "add the model to routes[].models or to fallback.substitutions, or ask for one that is served"
    ),
    StopReason.CREDENTIAL_MISSING: "give the route its key; `claude-sidecar doctor` says which is missing",
    StopReason.ROUTES_SPENT: "each route was given up in this call: the attempts above say why",
    StopReason.FUTILE: (
        "something on the way cuts silent connections at that age: raise its idle time-out, or ask for a "
        "stream"
    ),
    StopReason.OUT_OF_FILES: "raise the limit of open files of the sidecar's container",
}

"""What the sidecar's own errors say: what is wrong, where, and what to do."""

from claude_sidecar import clock
from claude_sidecar.causes import Cause
from claude_sidecar.config.credentials import CredentialStore
from claude_sidecar.hints.futile import futile_hint
from claude_sidecar.policy.step import Ending
from claude_sidecar.proxy.call_context import CallContext
from claude_sidecar.proxy.engine import Delivery
from claude_sidecar.proxy.own_error import OwnError

_MODELS_NAMED = 20


def words_for(context: CallContext, delivery: Delivery, credentials: CredentialStore) -> tuple[OwnError, str]:
    """The error and its message where no upstream gave an answer."""
    ending = delivery.step.ending
    if ending is Ending.NO_ROUTE:
        return OwnError.NO_ROUTE, _no_route(context)
    if ending is Ending.CREDENTIAL_MISSING:
        return (
            OwnError.CREDENTIAL_MISSING,
            f"there is no key to send: {_no_credential(context, delivery, credentials)}",
        )
    sends = len(context.record.attempts)
    told = f"no answer after {sends} send{'s' if sends != 1 else ''} ({ending}): {context.last_failure}"
    if context.record.cut_after_s is not None:
        told = f"{told}. {futile_hint(context.record.cut_after_s)}"
    timeout = bool(context.record.attempts) and context.record.attempts[-1].cause is Cause.TIMEOUT
    return (OwnError.TIMEOUT if timeout else OwnError.UNREACHABLE), told


def too_large_words(size_bytes: int, limit_bytes: int) -> str:
    """For a body over the limit; size_bytes: as declared, or as far as it was read."""
    mib = 1 << 20
    return (
        f"the body has {size_bytes / mib:.1f} MiB or more; allowed are {limit_bytes / mib:.0f} MiB. "
        "Upload files with the Files API and name them by file_id"
    )


def no_room_words(why: str, waited_s: float) -> str:
    """For a body that could not be kept; why: what was lacking."""
    waited = f" for {waited_s:.1f} s" if waited_s else ""
    return (
        f"there was no room{waited} to keep the request's body: {why}. Send the call again, or give it room"
    )


def _no_route(context: CallContext) -> str:
    if not context.snapshot.routes:
        return (
            "no policy is active: this pod's ClaudePolicy is missing or was rejected, and api.anthropic.com "
            "is not among the pod's allowed hosts. Create or fix the policy; lastError at /status of the "
            "admin port says why it was rejected"
        )
    served = sorted({name for route in context.snapshot.routes for name in route.models or ()})
    return (
        f"no route of policy {context.snapshot.name} serves the model asked for; served are: "
        f"{', '.join(served[:_MODELS_NAMED])}. Add the model to a route's models, or ask for one of these"
    )


def _no_credential(context: CallContext, delivery: Delivery, credentials: CredentialStore) -> str:
    """What is wrong with the credentials of the routes that serve this call, without any of them."""
    now = clock.now()
    reasons = []
    for index in sorted({candidate.route_index for candidate in delivery.candidates}):
        route = context.snapshot.routes[index]
        if route.credential is None:
            reasons.append(f"route {route.name} forwards the caller's, which is only a placeholder")
        elif (trouble := credentials.trouble(route.credential, now)) is not None:
            reasons.append(f"route {route.name}: {trouble}")
    return "; ".join(reasons)

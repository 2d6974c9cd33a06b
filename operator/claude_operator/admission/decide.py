"""What is answered to a review; an error in here admits the object as it came."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from claude_operator import names
from claude_operator.admission.review import MOST_WARNINGS, Review, one_line
from claude_operator.inject.json_value import Object, annotate, annotations_of
from claude_operator.inject.patch import patch
from claude_operator.inject.place import Place
from claude_operator.inject.pod import inject
from claude_operator.inject.settings import Settings
from claude_operator.inject.workload import TEMPLATE_PATHS, copy_policy
from claude_sidecar.telemetry.log import event

logger = logging.getLogger(__name__)

_WORKLOAD_GROUPS = ("apps", "batch")


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer. outcome: what is counted: injected, skipped, copied, unchanged, unexpected or failed."""

    outcome: str
    operations: tuple[Object, ...] = ()
    warnings: tuple[str, ...] = ()


def decide(review: Review, place_of: Callable[[str], Place], settings: Settings) -> Decided:
    """The answer to a review; never raises. place_of: what is known of a namespace."""
    try:
        return _decide(review, place_of, settings)
    except Exception as error:
        # Whatever is wrong with us or with an object: nobody's pod fails because of it.
        event(
            logger,
            logging.ERROR,
            "review failed",
            kind=review.kind,
            namespace=review.namespace,
            error=type(error).__name__,
        )
        warning = "the webhook could not work on this object and left it as it is; its log says why"
        return Decided("failed", warnings=(warning,))


def _decide(review: Review, place_of: Callable[[str], Place], settings: Settings) -> Decided:
    if review.operation not in ("CREATE", "UPDATE") or review.subresource:
        return _unexpected(review)
    given = review.object
    if not isinstance(given, dict):
        return _unexpected(review)
    place = place_of(review.namespace)
    if review.group == "" and review.kind == "Pod":
        if review.operation != "CREATE":  # a pod's containers cannot change any more
            return _unexpected(review)
        injected = inject(given, place, settings)
        outcome = "unchanged"
        if injected.status:
            outcome = injected.status.partition(":")[0]
            _note(injected.pod, injected.warnings)
        return Decided(outcome, tuple(patch(given, injected.pod)), injected.warnings)
    if review.group in _WORKLOAD_GROUPS and review.kind in TEMPLATE_PATHS:
        workload = {**given, "kind": review.kind}
        copied = copy_policy(workload, place, settings, created=review.operation == "CREATE")
        operations = tuple(patch(workload, copied.workload))
        return Decided("copied" if operations else "unchanged", operations, copied.warnings)
    return _unexpected(review)


def _note(pod: Object, warnings: tuple[str, ...]) -> None:
    """Write warnings on the pod, in place: mostly a controller makes it, and shows nobody what it was told.

    To do it twice changes nothing more, as API servers do where another injector came after this one.
    """
    if not warnings:
        return
    earlier = str(annotations_of(pod).get(names.WARNINGS) or "").splitlines()
    told = dict.fromkeys(map(one_line, (*earlier, *warnings)))
    annotate(pod, names.WARNINGS, "\n".join(list(told)[:MOST_WARNINGS]))


def _unexpected(review: Review) -> Decided:
    what = "/".join(part for part in (review.kind, review.subresource) if part) or "an object of no kind"
    return Decided("unexpected", warnings=(f"{review.operation} of {what} is nothing to be injected into",))

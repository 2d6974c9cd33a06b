"""500 and 529: not the request's fault; one model's trouble or the whole route's."""

from claude_sidecar.causes import Cause
from claude_sidecar.hints.facts import HintFacts


def server_error_hint(facts: HintFacts) -> str:
    """What the status means, and how far the trouble reaches; for log and span, not a header."""
    return f"{_meaning(facts)} {_extent(facts)}"


def _meaning(facts: HintFacts) -> str:
    if facts.cause is Cause.OVERLOADED or facts.status == 529:
        return (
            "The provider is overloaded: not your quota, a higher tier does not help; wait or use "
            "another route."
        )
    return (
        "The upstream failed: leave the request as it is, it did not cause this; back off or use another "
        "route."
    )


def _extent(facts: HintFacts) -> str:
    if facts.one_model_only is None:
        return (
            "Whether one model or the whole route is hit is not known yet: other models have sent too little."
        )
    if facts.one_model_only:
        return f"Only {facts.printable_model or 'this model'} fails on this route, its other models answer."
    return "The whole route is hit, not this model alone: see the provider's status page."

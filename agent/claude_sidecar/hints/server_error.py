"""500, 529 and the like: not the request's fault; one model or the whole route, and since when."""

from claude_sidecar.causes import Cause
from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.finding import Finding
from claude_sidecar.hints.middlebox import form_of

STATUS_PAGE = "status.claude.com"
"""Where Anthropic tells of its incidents."""

_LASTING_S = 120.0
"""Repeats bridge less; what lasts longer is an incident."""

_BY_CODE = {
    "cmek_key_unreachable": (
        "The organisation's own encryption key (CMEK) can't be reached: look at the key service, not at the "
        "request."
    ),
    "cmek_context_unavailable": (
        "The organisation's own encryption key (CMEK) can't be used: look at the key service, not at the "
        "request."
    ),
    "compaction_unavailable": "Compaction has no capacity now: send again later, or without compaction.",
}


def server_error_hint(facts: HintFacts) -> Finding:
    """What the status means, how far the trouble reaches, and from when on it is an incident."""
    meaning = _meaning(facts)
    return Finding(f"{meaning.kind}{_scope(facts)}", f"{meaning.text} {_extent(facts)}")


def _scope(facts: HintFacts) -> str:
    if facts.one_model_only is None:
        return ""
    return "-of-one-model" if facts.one_model_only else "-of-the-route"


def _meaning(facts: HintFacts) -> Finding:
    if facts.error_code is not None and facts.error_code in _BY_CODE:
        return Finding(facts.error_code.replace("_", "-"), _BY_CODE[facts.error_code])
    if facts.cause is Cause.OVERLOADED or facts.status == 529:
        return Finding(
            "overloaded",
            "The provider is overloaded: not your quota, a higher tier does not help; wait or use "
            "another route.",
        )
    if facts.foreign:
        return Finding(
            "not-the-api",
            f"This {facts.status} has no error body of the Claude API{form_of(facts)}: a proxy, gateway "
            "or edge on the way made it; see whether that one reaches the API.",
        )
    return Finding(
        "server-error",
        "The upstream failed: leave the request as it is, it did not cause this; back off or use another "
        "route.",
    )


def _extent(facts: HintFacts) -> str:
    """An incident first: it stays where the line is cut."""
    lasting = facts.failing_for_s is not None and facts.failing_for_s > _LASTING_S
    return f"{_incident(facts) if lasting else ''}{_reach(facts)}"


def _reach(facts: HintFacts) -> str:
    if facts.one_model_only is None:
        return (
            "Whether one model or the whole route is hit is not known yet: other models have sent too little."
        )
    if facts.one_model_only:
        return f"Only {facts.printable_model or 'this model'} fails on this route, its other models answer."
    return "The whole route is hit, not this model alone."


def _incident(facts: HintFacts) -> str:
    minutes = int((facts.failing_for_s or 0.0) // 60)
    page = "the status page of who runs it" if facts.foreign else f"the status page, {STATUS_PAGE}"
    return f"Nothing but failures for {minutes} min: see {page}. "

"""403: authenticated, but not allowed; which of the four reasons, and the probe that tells."""

import re

from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.finding import Finding
from claude_sidecar.hints.known_models import KNOWN_MODELS
from claude_sidecar.hints.middlebox import form_of
from claude_sidecar.hints.wordings import what_it_says

_FALLBACK_PROBE = "claude-haiku-4-5"
_MODEL_ACCESS = re.compile(r"access to .{0,60}model|\bmodel\b")


def permission_hint(facts: HintFacts) -> Finding:
    """The reason, if the answer tells it, and how to find out otherwise."""
    if facts.foreign:
        return Finding(
            "not-the-api",
            f"This 403 has no error body of the Claude API{form_of(facts)}: a firewall (WAF), corporate "
            "proxy or edge refused the call, by its content, address or region. Ask whoever runs the "
            "network, then look at the route's endpoint.",
        )
    if (spoken := what_it_says(403, facts.message)) is not None:
        return spoken
    if _MODEL_ACCESS.search(facts.message):
        return Finding(
            "model-access",
            f"The message says that the workspace of {facts.whose_key} is not entitled to {_model(facts)}: "
            f"enable it in the Console, or ask for it. {_probe(facts)}",
        )
    return Finding(
        "unknown-wording",
        f"{facts.whose_key[0].upper()}{facts.whose_key[1:]} is valid but may not do this; the answer does "
        "not tell which: model not entitled, content policy, API access disabled for the workspace, or "
        f"scope of the key. {_probe(facts)}",
    )


def _model(facts: HintFacts) -> str:
    return facts.printable_model or "the model asked for"


def _probe(facts: HintFacts) -> str:
    """A cheap model that nearly every workspace has, other than the one asked for."""
    candidates = [*facts.known_models[:200], _FALLBACK_PROBE, *KNOWN_MODELS]
    asked = facts.printable_model
    probe = next(
        (name for name in candidates if "haiku" in name and name in KNOWN_MODELS and name != asked),
        _FALLBACK_PROBE,
    )
    return (
        f"Probe: the same key with {probe} and max_tokens 8; if that works the model is at fault, else "
        "the workspace or key."
    )

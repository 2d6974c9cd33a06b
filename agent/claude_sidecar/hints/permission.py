"""403: authenticated, but not allowed; which of the four reasons, and the probe that tells."""

from claude_sidecar.hints.facts import HintFacts
from claude_sidecar.hints.known_models import KNOWN_MODELS

_FALLBACK_PROBE = "claude-haiku-4-5"


def permission_hint(facts: HintFacts) -> str:
    """The reason, if the answer tells it, and how to find out otherwise."""
    if facts.error_type is None:
        return (
            "This 403 has no error body of the Claude API: a firewall (WAF), corporate proxy or edge "
            "refused the "
            "call, by its content, address or region. Ask whoever runs the network, then look at the "
            "route's endpoint."
        )
    message = facts.message
    if "model" in message:
        return (
            f"The workspace of {facts.whose_key} is not entitled to {_model(facts)}: enable it in the "
            f"Console, or ask for it. {_probe(facts)}"
        )
    if "scope" in message:
        return (
            f"The scope of {facts.whose_key} does not cover this call (model, endpoint or write access): "
            "see its scope in the Console, or log in again for an OAuth token."
        )
    if "disabled" in message:
        return (
            f"API access is disabled for the workspace or organisation of {facts.whose_key}: its admin "
            "can enable it in the Console."
        )
    if "policy" in message or "content" in message:
        return "The content policy refused the request: revise it; repeating it unchanged does not help."
    return (
        f"{facts.whose_key[0].upper()}{facts.whose_key[1:]} is valid but may not do this: model not "
        "entitled, content "
        f"policy, API access disabled for the workspace, or scope of the key. {_probe(facts)}"
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

"""Whether an answer came from the model that was asked for (docs/claude-api-notes.md, "Model names")."""

import re

_DATE = re.compile(r"[-@]20\d{6}$")
_ALIAS = re.compile(r"-(?:latest|0)$")


def same_model(asked: str, answered: str) -> bool:
    """True for equal names and for a name and its dated form (`claude-haiku-4-5`, `...-20251001`).

    Two different dates are two models. Aliases that end in `-latest` or `-0` stand for a dated name.
    """
    if asked == answered:
        return True
    base_asked, base_answered = _DATE.sub("", asked), _DATE.sub("", answered)
    if base_asked != asked and base_answered != answered:
        return asked.replace("@", "-") == answered.replace("@", "-")
    return _ALIAS.sub("", base_asked) == _ALIAS.sub("", base_answered)

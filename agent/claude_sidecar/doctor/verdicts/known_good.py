"""Which model a key surely has, other than the one that is wanted."""

from collections.abc import Mapping, Sequence

from claude_sidecar.hints.known_models import KNOWN_MODELS

_FALLBACK = "claude-haiku-4-5"


def known_good(listed: Sequence[str], served: Mapping[str, str] | None, wanted: str | None) -> str | None:
    """A cheap model first; None where a route serves the wanted one alone.

    listed: as /v1/models of this key says; served: the route's models by callers' name, None for all.
    """
    if served is not None:
        others = [name for name in served if name != wanted]
        return next((name for name in others if "haiku" in name), others[0] if others else None)
    others = [name for name in listed if not _same(name, wanted)]
    if listed and not others:
        return None
    cheap = [name for name in others if "haiku" in name]
    known = [name for name in cheap if name in KNOWN_MODELS]
    if found := [*known, *cheap, *others]:
        return found[0]
    return next(name for name in (_FALLBACK, *KNOWN_MODELS) if not _same(name, wanted))


def _same(name: str, wanted: str | None) -> bool:
    """Whether two names are one model's, with its date and without."""
    return wanted is not None and (name == wanted or name.startswith(f"{wanted}-20"))

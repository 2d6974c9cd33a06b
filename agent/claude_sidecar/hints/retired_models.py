"""Models that are retired, or announced to be, with what the provider recommends instead; for hints only.

A row holds for the Claude API; clouds keep dates of their own
(https://platform.claude.com/docs/en/about-claude/model-deprecations).
"""

from typing import NamedTuple

from claude_sidecar.hints.model_name import corrected_name, without_date

RETIRED_MODELS_DATE = "2026-11-30"


class Retirement(NamedTuple):
    """retires_on: the day from which requests fail; successor: the recommended replacement."""

    retires_on: str
    successor: str


_OPUS, _SONNET, _HAIKU = "claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5"

_ROWS = (
    ("2024-11-06", _SONNET, ("claude-1.0", "claude-1.1", "claude-1.2", "claude-1.3", "claude-1.3-100k")),
    ("2024-11-06", _HAIKU, ("claude-instant-1.0", "claude-instant-1.1", "claude-instant-1.1-100k")),
    ("2024-11-06", _HAIKU, ("claude-instant-1.2",)),
    ("2025-07-21", _SONNET, ("claude-2.0", "claude-2.1", "claude-3-sonnet-20240229")),
    ("2025-10-28", _SONNET, ("claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20241022")),
    ("2025-10-28", _SONNET, ("claude-3-5-sonnet-latest",)),
    ("2026-01-05", _OPUS, ("claude-3-opus-20240229", "claude-3-opus-latest")),
    ("2026-02-19", _SONNET, ("claude-3-7-sonnet-20250219", "claude-3-7-sonnet-latest")),
    ("2026-02-19", _HAIKU, ("claude-3-5-haiku-20241022", "claude-3-5-haiku-latest")),
    ("2026-04-20", _HAIKU, ("claude-3-haiku-20240307",)),
    ("2026-06-15", _OPUS, ("claude-opus-4-20250514", "claude-opus-4-0")),
    ("2026-06-15", _SONNET, ("claude-sonnet-4-20250514", "claude-sonnet-4-0")),
    ("2026-06-30", "claude-mythos-5", ("claude-mythos-preview",)),
    ("2026-08-05", _OPUS, ("claude-opus-4-1-20250805", "claude-opus-4-1")),
    ("2026-11-30", "claude-sonnet-5-5", ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5")),
)

_BY_NAME = {
    corrected_name(name): Retirement(day, successor) for day, successor, names in _ROWS for name in names
}
_BY_FAMILY = {without_date(name): retirement for name, retirement in _BY_NAME.items()}


def retirement_of(asked: str) -> Retirement | None:
    """What became of a model, by its name however it is written; a name without its date will do.

    Aliases are retired with the model behind them. None for a name that is not retired.
    """
    name = corrected_name(asked)
    return _BY_NAME.get(name) or _BY_FAMILY.get(without_date(name))

"""How a call ended for the app."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the app got.

    told: for people. error_type: of the error that the SDK raised, None where it raised none. deltas: pieces
    of text that came in a stream. headers: of the answer, names in lower case.
    """

    told: str
    error_type: str | None = None
    deltas: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

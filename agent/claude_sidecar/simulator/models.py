"""The models that the simulator knows, by the names that the API lists."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """One model: *pool* names the rate limit that it shares; token counts are the largest allowed."""

    id: str
    display_name: str
    created_at: str
    pool: str
    max_input_tokens: int = 200_000
    max_tokens: int = 64_000
    alias: str | None = None

    def payload(self) -> dict[str, object]:
        """As `/v1/models` shows it."""
        return {
            "type": "model",
            "id": self.id,
            "display_name": self.display_name,
            "created_at": self.created_at,
            "max_input_tokens": self.max_input_tokens,
            "max_tokens": self.max_tokens,
            "capabilities": None,
        }


MODELS = (
    Model("claude-opus-5", "Claude Opus 5", "2026-09-02T00:00:00Z", "opus-5", 1_000_000, 128_000),
    Model("claude-sonnet-5", "Claude Sonnet 5", "2026-08-12T00:00:00Z", "sonnet-5", 1_000_000, 128_000),
    Model("claude-fable-5", "Claude Fable 5", "2026-08-12T00:00:00Z", "fable-5", 1_000_000, 128_000),
    Model("claude-opus-4-8", "Claude Opus 4.8", "2026-06-01T00:00:00Z", "opus-4", 1_000_000, 128_000),
    Model("claude-opus-4-7", "Claude Opus 4.7", "2026-04-14T00:00:00Z", "opus-4", 1_000_000, 128_000),
    Model("claude-sonnet-4-6", "Claude Sonnet 4.6", "2026-02-17T00:00:00Z", "sonnet-4", 1_000_000),
    Model("claude-opus-4-6", "Claude Opus 4.6", "2026-02-04T00:00:00Z", "opus-4", 1_000_000, 128_000),
    Model(
        "claude-opus-4-5-20251101",
        "Claude Opus 4.5",
        "2025-11-24T00:00:00Z",
        "opus-4",
        alias="claude-opus-4-5",
    ),
    Model(
        "claude-haiku-4-5-20251001",
        "Claude Haiku 4.5",
        "2025-10-15T00:00:00Z",
        "haiku-4",
        alias="claude-haiku-4-5",
    ),
    Model(
        "claude-sonnet-4-5-20250929",
        "Claude Sonnet 4.5",
        "2025-09-29T00:00:00Z",
        "sonnet-4",
        alias="claude-sonnet-4-5",
    ),
)


class Models:
    """The model table: the built-in list, newest first, before it the names a scenario adds."""

    def __init__(self, extra: tuple[str, ...] = ()) -> None:
        known = {name for model in MODELS for name in (model.id, model.alias)}
        added = tuple(Model(name, name, "2026-10-01T00:00:00Z", name) for name in extra if name not in known)
        self.all = added + MODELS
        self._by_name = {name: m for m in self.all for name in (m.id, m.alias) if name is not None}

    def find(self, name: str) -> Model | None:
        """The model called *name*, by its id or its alias."""
        return self._by_name.get(name)

"""A route's own credential, by kind. None of them prints what it holds."""

from dataclasses import dataclass, field

from claude_sidecar.schema.telemetry import KeyAlias
from claude_sidecar.wire.credential import ALIAS_HIDDEN, ALIAS_OAUTH, fingerprint_of


@dataclass(frozen=True, slots=True)
class _Text:
    value: str = field(repr=False)

    fingerprint: str = field(init=False)
    """The first 8 hex digits of its SHA-256."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", fingerprint_of(self.value.encode("ascii")))

    def identity(self) -> bytes:
        """What no other credential has in common with it; never to be told."""
        return self.value.encode("ascii")


@dataclass(frozen=True, slots=True)
class ApiKey(_Text):
    """A key, which stays as it is until somebody replaces it."""

    def alias(self, mode: KeyAlias) -> str:
        """How it is named in what we emit."""
        return ALIAS_HIDDEN if mode is KeyAlias.HIDDEN else self.fingerprint


@dataclass(frozen=True, slots=True)
class Bearer(_Text):
    """A token that is renewed by the hour or so: its fingerprint would name nothing that lasts."""

    def alias(self, mode: KeyAlias) -> str:
        """How it is named in what we emit."""
        return ALIAS_HIDDEN if mode is KeyAlias.HIDDEN else ALIAS_OAUTH


Secret = ApiKey | Bearer
"""All kinds. Keys that sign requests instead of going along with them would be one more: what is asked of
all is `alias` and `identity`, the rest is between a kind and the providers that take it."""

"""Which provider each name in a policy stands for: a row a provider."""

from collections.abc import Mapping

from claude_sidecar.policy.request_facts import Asked
from claude_sidecar.providers.anthropic import Anthropic
from claude_sidecar.providers.provider import Provider
from claude_sidecar.schema.routes import ProviderName
from claude_sidecar.schema.snapshot import Snapshot

PROVIDERS: Mapping[ProviderName, Provider] = {
    ProviderName.ANTHROPIC: Anthropic(),
}

CALLERS = PROVIDERS[ProviderName.ANTHROPIC]
"""Whose API apps speak, whatever the routes of their calls do."""

_NONE: frozenset[int] = frozenset()


def unserved(snapshot: Snapshot, asked: Asked) -> frozenset[int]:
    """The routes, by their index, whose provider cannot do what a request asks for."""
    unable = _NONE
    for index, route in enumerate(snapshot.routes):
        if not PROVIDERS[route.provider].serves(asked):
            unable |= {index}
    return unable

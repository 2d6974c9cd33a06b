"""The rows that make a provider: its name in the schema, and what the name stands for."""

from claude_sidecar.providers.registry import PROVIDERS
from claude_sidecar.schema.endpoint import parse_endpoint
from claude_sidecar.schema.routes import ProviderName


def test_each_name_that_a_policy_may_give_stands_for_a_provider_and_no_other_does() -> None:
    assert list(PROVIDERS) == list(ProviderName)


def test_each_provider_has_a_default_endpoint_over_tls() -> None:
    assert {parse_endpoint(name.default_endpoint).scheme for name in ProviderName} == {"https"}


def test_telemetry_tells_providers_apart() -> None:
    told = [provider.name for provider in PROVIDERS.values()]
    assert len(set(told)) == len(told)
    assert all(told)

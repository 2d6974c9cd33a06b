"""Round trip: what a real API server makes of a spec means what the sidecar makes of it."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from support.cluster.api_client import Reply
from support.policies.good_specs import ENDPOINTS, PARTS

from claude_operator.crd.judge import judge
from claude_sidecar.schema.claude_policy import ClaudePolicy
from claude_sidecar.schema.meaning import effective_spec, spec_hash

Try = Callable[[Any], Reply]


def policy(spec: Any) -> ClaudePolicy:
    """The model of a policy with this spec."""
    return ClaudePolicy.model_validate(
        {"apiVersion": "claude-sidecar.dev/v1alpha1", "kind": "ClaudePolicy", "spec": spec}
    )


@pytest.mark.parametrize("text", PARTS)
def test_defaults_of_the_server_are_those_of_the_model(attempt: Try, text: str) -> None:
    spec = yaml.safe_load(text)
    stored = attempt(spec).expect(201)["spec"]
    ours = policy(spec)
    assert stored == ours.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert effective_spec(policy(stored)) == effective_spec(ours)
    assert spec_hash(policy(stored)) == spec_hash(ours)
    assert judge(stored, "p", "n") == []


def test_policy_without_a_spec_is_the_built_in_one(attempt: Try) -> None:
    stored = attempt(None).expect(201)["spec"]
    assert effective_spec(policy(stored)) == effective_spec(policy({}))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_endpoint_that_the_sidecar_takes_is_admitted(attempt: Try, endpoint: str) -> None:
    spec = {"routes": [{"name": "a", "endpoint": endpoint}]}
    assert attempt(spec).expect(201)["spec"]["routes"][0]["endpoint"] == endpoint

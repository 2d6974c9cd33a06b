"""A cluster that knows ClaudePolicy."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.cluster.api_client import Reply
from support.cluster.claude_policies import POLICIES, define, policy
from support.cluster.cluster import Cluster


@pytest.fixture(scope="module")
def policies(cluster: Cluster) -> Cluster:
    """The usual cluster, with the definition in it."""
    define(cluster)
    return cluster


@pytest.fixture(scope="module")
def home(policies: Cluster) -> Iterator[str]:
    """One namespace for a module's policies."""
    name = policies.namespace()
    yield name
    policies.remove_namespace(name)


@pytest.fixture(scope="module")
def attempt(policies: Cluster, home: str) -> Callable[[Any], Reply]:
    """What the API server answers to a policy with this spec, checked as for `kubectl apply`, not stored."""
    path = POLICIES.format(home) + "?dryRun=All&fieldValidation=Strict"
    return lambda spec: policies.request("POST", path, policy(spec))

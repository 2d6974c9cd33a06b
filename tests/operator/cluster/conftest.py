"""A real control plane for the tests of this folder: one for each worker, started when first asked for."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from support.cluster.cluster import Cluster
from support.cluster.given_cluster import given_cluster
from support.cluster.local_cluster import LocalCluster, local_cluster
from support.cluster.namespaces import fresh_namespaces
from support.cluster.programs import minors, programs_of, uses_given_cluster


def running_cluster(minor: str) -> AbstractContextManager[Cluster]:
    """A cluster of this minor until the end of the block."""
    return given_cluster() if uses_given_cluster() else local_cluster(programs_of(minor))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster of the usual minor. Tests share it: what is not in a namespace of theirs they remove."""
    with running_cluster(minors()[0]) as running:
        yield running


@pytest.fixture
def own_cluster(cluster: Cluster) -> LocalCluster:
    """The same cluster, for tests that stop parts of it and start them again before they end."""
    assert isinstance(cluster, LocalCluster)
    return cluster


@pytest.fixture(scope="module", params=minors())
def each_cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """For a module's few tests that run on every minor: the usual cluster, then one for each other minor."""
    if request.param == minors()[0]:
        yield request.getfixturevalue("cluster")
    else:
        with running_cluster(request.param) as running:
            yield running


@pytest.fixture
def new_namespace(cluster: Cluster) -> Iterator[Callable[..., str]]:
    """Makes fresh namespaces, `new_namespace(labels=...)`."""
    with fresh_namespaces(cluster) as make:
        yield make


@pytest.fixture
def namespace(new_namespace: Callable[..., str]) -> str:
    """One fresh namespace for this test."""
    return new_namespace()

"""Helm in both majors, and a control plane for what has to be taken by an API server."""

from collections.abc import Iterator

import pytest
from support.cluster.cluster import Cluster
from support.cluster.local_cluster import local_cluster
from support.cluster.programs import minors, programs_of, uses_given_cluster


@pytest.fixture(
    params=[pytest.param("4", id="helm4"), pytest.param("3", id="helm3", marks=pytest.mark.helm3)]
)
def major(request: pytest.FixtureRequest) -> str:
    """Each major version of Helm."""
    return str(request.param)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One for a module: releases have fixed names, so nobody else may be in it."""
    with local_cluster(programs_of(minors()[0])) as running:
        yield running


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, and count as deselected, what needs a cluster of our own where one was given."""
    if uses_given_cluster():
        left_out = [item for item in items if "cluster" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]

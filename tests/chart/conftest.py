"""Helm in both majors, and a control plane for what has to be taken by an API server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster.cluster import Cluster
from support.cluster.local_cluster import local_cluster


@pytest.fixture(
    params=[pytest.param("4", id="helm4"), pytest.param("3", id="helm3", marks=pytest.mark.helm3)]
)
def major(request: pytest.FixtureRequest) -> str:
    """Each major version of Helm."""
    return str(request.param)


@pytest.fixture(scope="module")
def cluster(programs: Path) -> Iterator[Cluster]:
    """One for a module: releases have fixed names, so nobody else may be in it."""
    with local_cluster(programs) as running:
        yield running

"""A whole cluster for the tests of this folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.cluster.cluster import Cluster
from support.cluster.namespaces import fresh_namespaces
from support.cluster.whole.given import whole_cluster as some_whole_cluster
from support.cluster.whole.whole_cluster import WholeCluster
from support.release.images import take_in
from support.release.release import Release
from support.release.shop import Shop
from support.release.stage import Stage, stage

HERE = Path(__file__).parent
LONGEST_S = 600
"""A kubelet takes its time for a Secret, and the first test has the chart installed."""


@pytest.fixture(scope="session")
def whole_cluster() -> Iterator[Cluster]:
    """The cluster. Tests share it: what is not in a namespace of theirs they remove."""
    assert "PYTEST_XDIST_WORKER" not in os.environ, "one cluster is for one process: run tests/e2e with -n 0"
    with some_whole_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def images(whole_cluster: Cluster) -> dict[str, str]:
    """The tags of our images by name, `claude-sidecar` and `claude-app`, as of now; pods can use them."""
    return take_in(whole_cluster)


@pytest.fixture(scope="session")
def on_stage(whole_cluster: Cluster, images: dict[str, str]) -> Iterator[Stage]:
    """The chart installed, and a simulated Claude API."""
    assert images
    with stage(whole_cluster) as found:
        yield found


@pytest.fixture
def shop(on_stage: Stage) -> Iterator[Shop]:
    """A user's namespace that takes restricted pods only, with keys and the policy `production`."""
    with on_stage.shop() as found:
        yield found


@pytest.fixture
def other_shop(on_stage: Stage) -> Iterator[Shop]:
    """A second one."""
    with on_stage.shop() as found:
        yield found


@pytest.fixture
def privileged_shop(on_stage: Stage) -> Iterator[Shop]:
    """One that takes any pod."""
    with on_stage.shop(labels={}) as found:
        yield found


@pytest.fixture
def unreleased(on_stage: Stage) -> Iterator[Release]:
    """The cluster without the chart, which is back when the test has ended."""
    on_stage.release.uninstall()
    yield on_stage.release
    on_stage.release.install()


@pytest.fixture(scope="session")
def own_whole_cluster(whole_cluster: Cluster) -> WholeCluster:
    """The same, for tests that stop parts of it and start them again before they end."""
    assert isinstance(whole_cluster, WholeCluster)
    return whole_cluster


@pytest.fixture
def new_namespace(whole_cluster: Cluster) -> Iterator[Callable[..., str]]:
    """Makes fresh namespaces, `new_namespace(labels=...)`."""
    with fresh_namespaces(whole_cluster) as make:
        yield make


@pytest.fixture
def namespace(new_namespace: Callable[..., str]) -> str:
    """One fresh namespace for this test."""
    return new_namespace()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder their time."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(LONGEST_S), append=False)

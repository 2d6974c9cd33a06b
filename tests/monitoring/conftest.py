"""Lets the tests of this folder import what all tests share."""

import pytest
from support.cluster.programs import uses_given_cluster


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, and count as deselected, the fleet where a cluster was given.

    Its sidecars are processes of this machine, at addresses that only a control plane beside them can reach.
    """
    if not uses_given_cluster():
        return
    left_out = [item for item in items if "scraped" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]

"""An operator and a definition one minor version newer than the sidecars that run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster.claude_policies import define
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.operator.newer_version import FIELD, NewerVersion, newer_version
from support.operator.stand_in import StandIns

from claude_operator import names

INJECTED = {"CLAUDE_SIDECAR_INJECTED": "true"}


@pytest.fixture
def newer(equipped: Cluster, tmp_path: Path) -> Iterator[NewerVersion]:
    """The newer version, its definition applied."""
    version = newer_version(tmp_path / "newer")
    try:
        equipped.apply(version.definition())
        yield version
    finally:
        define(equipped)


def test_older_sidecar_takes_up_a_policy_of_newer_defaults_and_is_told_to_be_outdated(
    newer: NewerVersion, start, policies, stand_ins: StandIns
) -> None:
    start(environ=newer.environ)
    until(lambda: FIELD in policies.apply("probe")["spec"]["retry"], "the newer definition is served")
    policies.apply(retry={"maxAttempts": 2})
    policies.wait_for("Programmed", "True/Programmed")
    assert policies.get()["spec"]["retry"][FIELD] is False
    assert FIELD not in policies.file()
    stand_ins.run(policies.namespace, "production", env=INJECTED)
    until(lambda: policies.status()["pods"]["outdated"] == 1, "it is outdated")
    policies.wait_for("Programmed", "True/Programmed")
    assert policies.status()["podsSummary"] == "1/1"


def test_older_sidecar_takes_up_what_it_can_of_a_policy_with_a_newer_field(
    newer: NewerVersion, start, policies, stand_ins: StandIns
) -> None:
    start(environ=newer.environ)
    until(lambda: FIELD in policies.apply("probe")["spec"]["retry"], "the newer definition is served")
    policies.apply()
    policies.wait_for("Programmed", "True/Programmed")
    pod = stand_ins.run(policies.namespace, "production", env=INJECTED)
    until(lambda: policies.status()["podsSummary"] == "1/1", "it is current")
    policies.apply(retry={"maxAttempts": 2, FIELD: True})
    until(lambda: FIELD in policies.file(), "the newer field is handed out")
    policies.wait_for("Programmed", "False/Reconciling")
    pod.sync()
    policies.wait_for("Programmed", "True/Programmed")
    assert policies.status()["pods"]["outdated"] == 1
    assert names.API_VERSION in policies.file()

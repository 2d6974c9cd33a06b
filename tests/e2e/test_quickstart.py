"""The README's quickstart, command by command, on a cluster without a release."""

import json
import os
import re
import subprocess
from typing import Any

import pytest
from support.cluster.cluster import Cluster
from support.cluster.waiting import until
from support.project import ROOT
from support.release.release import Release

pytestmark = pytest.mark.whole_cluster

LONGEST = 8
SECONDS = 170


def quickstart() -> list[str]:
    """The commands of the README's first block below `## In a cluster`."""
    text = (ROOT / "README.md").read_text().split("\n## In a cluster\n")[1]
    block = re.search(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert block
    return block[1].splitlines()


def run(script: str, cluster: Cluster) -> str:
    """What a shell prints for this script, which stops at the first command that fails."""
    ended = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        # As below `make test`, where a make within is more talkative.
        env={**os.environ, "MAKELEVEL": "1", "HELM_CACHE_HOME": str(cluster.folder / "helm")},
    )
    assert ended.returncode == 0, f"{script}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def test_quickstart_leads_to_a_trace_in_at_most_eight_commands(
    unreleased: Release, own_whole_cluster: Cluster
) -> None:
    commands = quickstart()
    assert len(commands) <= LONGEST
    *before, logs, trace = commands
    settings = next(command for command in commands if command.startswith("eval "))
    cluster = unreleased.cluster
    try:
        run("\n".join(before), cluster)
        assert "\nanswered:" in "\n" + run(f"{settings}\n{logs}", cluster)

        def cured() -> list[dict[str, Any]]:
            """Traces in which the first route failed and the second one answered."""
            try:
                said = json.loads(run(f"{settings}\n{trace}", cluster))
            except AssertionError:  # it may not listen yet
                return []
            return [each for each in said["data"] or () if routes(each) >= {"first", "second"}]

        until(cured, "the trace store has a cured call", seconds=60)
    finally:
        cluster.remove_namespace("shop")
        unreleased.uninstall()


def routes(trace: dict[str, Any]) -> set[str]:
    """The routes that its spans name."""
    tags = [tag for span in trace["spans"] for tag in span["tags"]]
    return {tag["value"] for tag in tags if tag["key"] == "claude_sidecar.route"}

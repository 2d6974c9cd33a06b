"""`make cluster-up` and `make cluster-down`, on a machine within this one: they leave it as it was."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from support.cluster.whole.given import TOOL
from support.cluster.whole.inner_machine import InnerMachine
from support.cluster.whole.places import PAUSE_IMAGE
from support.project import ROOT

pytestmark = pytest.mark.own_whole_cluster


@pytest.fixture
def machine() -> Iterator[InnerMachine]:
    """One for each test."""
    with InnerMachine() as made:
        yield made


def run_a_pod(machine: InnerMachine) -> None:
    machine.kubectl("run", "p", f"--image={PAUSE_IMAGE}", "--image-pull-policy=Never")
    machine.kubectl("wait", "pod", "p", "--for=condition=Ready", "--timeout=120s")


def test_cluster_down_leaves_nothing_behind(machine: InnerMachine) -> None:
    before = machine.traces()
    machine.tool("up")
    told = machine.run(sys.executable, TOOL, "env").stdout
    assert machine.run("sh", "-c", f"{told}\nkubectl get nodes && helm list").returncode == 0
    run_a_pod(machine)
    during = machine.traces()
    assert [name for name in before if before[name] != during[name]] == [
        "links",
        "routes",
        "addresses",
        "cgroups",
        "state",
        "processes",
    ]
    assert "up already" in machine.tool("up")
    assert "p" in machine.kubectl("get", "pods", "-o", "name")
    assert "is gone" in machine.tool("down")
    assert machine.traces() == before
    assert "no cluster" in machine.tool("down")


@pytest.mark.parametrize("first", [True, False], ids=["whole node", "all but the node's first process"])
def test_after_a_crash_cluster_up_begins_anew_and_cluster_down_leaves_nothing(
    machine: InnerMachine, first: bool
) -> None:
    before = machine.traces()
    machine.tool("up")
    run_a_pod(machine)
    machine.kill_all(first=first)
    assert machine.traces() != before
    assert "up already" not in machine.tool("up")
    assert machine.kubectl("get", "pods", "-o", "name") == ""
    run_a_pod(machine)
    machine.kill_all(first=first)
    machine.tool("down")
    assert machine.traces() == before


@pytest.mark.parametrize("deed", ["up", "check"])
def test_without_root_it_says_so(deed: str) -> None:
    ended = subprocess.run(
        ["unshare", "--user", sys.executable, TOOL, deed], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("make: no whole cluster here: that takes root: run make as root;")


def test_without_root_the_end_to_end_tests_are_left_out_and_it_is_said() -> None:
    command = [sys.executable, "tools/run_tests.py", "test-e2e", "tests/e2e/test_whole_cluster.py"]
    lenient = {name: value for name, value in os.environ.items() if name != "STRICT"}
    ended = subprocess.run(
        ["unshare", "--user", *command],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        env=lenient,
    )
    assert ended.returncode == 0, ended.stdout
    *_, said, last = ended.stdout.strip().splitlines()
    assert said.startswith(
        "left out: tests that need a whole cluster with running pods: no whole cluster here: that takes root"
    )
    assert "deselected" in last

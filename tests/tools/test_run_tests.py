"""The runner of tests: what is chosen, what is got for it, and what is said of what could not be had."""

import functools
import itertools
import json
import os
import subprocess
import sys

import pytest
from _pytest.mark.expression import Expression
from support.cluster.programs import minors
from support.needs import NEEDS
from support.project import ROOT

import run_tests
from run_tests import trouble_of
from test_targets import ALL, BESIDES_LOGIC, CLUSTER, TARGETS, WHOLE

compiled = functools.cache(Expression.compile)


def chooses(expression: str, marks: dict[str, bool]) -> bool:
    """Whether `pytest -m EXPRESSION` would choose a test with these markers."""
    return compiled(expression).evaluate(lambda name, **_: marks[name])


def ran(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CLAUDE_"))}
    return subprocess.run(
        [sys.executable, *arguments], check=False, cwd=ROOT, capture_output=True, text=True, env=clean | env
    )


def test_every_need_is_known_to_markers_targets_and_the_page() -> None:
    page = (ROOT / "tests" / "README.md").read_text()
    assert set(NEEDS) == {*BESIDES_LOGIC, *CLUSTER, *WHOLE}
    assert set(NEEDS) == run_tests.PROVIDERS.keys() | {"processes", "long"}
    assert [need for need in NEEDS if f"| `{need}` |" not in page] == []
    assert [name for name in (*TARGETS, "test-all") if f"make {name}" not in page] == []


def test_whatever_a_test_needs_it_is_in_one_of_the_targets_of_test_all() -> None:
    # The targets ask for any of a group, so three needs at once tell all.
    for chosen in (some for most in range(4) for some in itertools.combinations(NEEDS, most)):
        marks = {need: need in chosen for need in NEEDS}
        assert sum(chooses(TARGETS[name].marks, marks) for name in ALL) == 1, marks
        if chooses(TARGETS["unit"].marks, marks):
            assert chooses(TARGETS["test"].marks, marks)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("target", "chosen", "got"),
    [
        ("test", "tests/agent/policy/test_breaker.py", set()),
        ("test", "tests/chart/test_golden.py", {"helm"}),
        ("test-cluster", "tests/operator/cluster/test_control_plane.py", {"each_minor"}),
    ],
)
def test_arguments_choose_and_only_what_these_tests_need_is_got(
    monkeypatch: pytest.MonkeyPatch, target: str, chosen: str, got: set[str]
) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(run_tests, "trouble_of", asked.append)
    assert run_tests.run(TARGETS[target], ["--collect-only", chosen]) == 0
    assert set(asked) == {tool for need in got for tool in run_tests.PROVIDERS[need]}


@pytest.mark.processes
def test_chosen_tests_run_where_nothing_can_be_started() -> None:
    asked = ("tools/run_tests.py", "unit", "tests/tools/test_release_files.py", "-k", "no_network")
    ended = ran(*asked, PATH="/nowhere")
    assert ended.returncode == 0, ended.stderr
    assert "1 passed" in ended.stdout
    assert ended.stderr == ""


@pytest.mark.processes
def test_tests_of_another_target_are_not_run_and_it_is_said() -> None:
    ended = ran("tools/run_tests.py", "unit", "tests/e2e/test_quickstart.py")
    assert ended.returncode == run_tests.NO_TESTS
    assert "tests/README.md tells which target has" in ended.stderr


@pytest.mark.processes
def test_folder_that_is_not_there_is_named() -> None:
    ended = ran("tools/run_tests.py", "test", "tests/nowhere")
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "not found: tests/nowhere" in ended.stderr


@pytest.mark.processes
def test_what_cannot_be_had_is_left_out_and_named_at_the_end() -> None:
    lacking = json.dumps({"prometheus": "no Prometheus: put it into PATH"})
    asked = ("-m", "pytest", "-p", "no:cacheprovider", "-q", "tests/monitoring/test_chart_files.py")
    ended = ran(*asked, "-k", "rules or are_those_of_their_source", CLAUDE_TESTS_LACK=lacking)
    *_, said, last = ended.stdout.strip().splitlines()
    assert said == "left out: tests that need Prometheus: no Prometheus: put it into PATH"
    assert "deselected" in last


@pytest.mark.processes
def test_tool_that_fails_is_told_by_its_last_line() -> None:
    assert trouble_of(("kube_binaries.py", "1.7", "--only-look")) == (
        f"kube_binaries.py: error: no such minor: 1.7; there are {', '.join(minors())}"
    )
    assert trouble_of(("whole_cluster.py", "--help")) is None


def lacks(monkeypatch: pytest.MonkeyPatch, need: str) -> None:
    """Have a need be one that cannot be met."""
    monkeypatch.setitem(run_tests.PROVIDERS, need, (("kube_binaries.py", "1.7"),))


@pytest.mark.processes
def test_machine_that_can_carry_none_of_the_chosen_tests_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STRICT", raising=False)
    lacks(monkeypatch, "image")
    assert run_tests.run(TARGETS["test-e2e"], ["tests/image"]) == 0
    assert (
        "left out: tests that need a container image that is built here: kube_bin" in capfd.readouterr().out
    )


@pytest.mark.processes
def test_strictly_nothing_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRICT", "1")
    lacks(monkeypatch, "helm")
    assert run_tests.run(TARGETS["test"], ["tests/chart/test_golden.py"]) == 1
    assert "STRICT: helm: kube_binaries.py: error" in capfd.readouterr().err


@pytest.mark.processes
def test_what_stops_parts_of_its_cluster_is_left_out_by_name_where_another_one_is_given(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRICT", "1")  # a choice is no want
    monkeypatch.setenv("KUBECONFIG", "/some/where")
    monkeypatch.delenv("KUBE_BIN_DIR", raising=False)
    tool = run_tests.PROVIDERS["own_control_plane"][0]
    monkeypatch.setattr(run_tests, "trouble_of", lambda one: trouble_of(one) if one == tool else None)
    assert run_tests.run(TARGETS["test-cluster"], ["tests/operator/cluster/test_cluster_faults.py"]) == 0
    assert (
        "left out: tests that need a control plane of their own: "
        "the cluster of KUBECONFIG=/some/where is used: unset it to have one."
    ) in capfd.readouterr().out


@pytest.mark.processes
@pytest.mark.parametrize("kind", ["control_plane", "whole"])
def test_cluster_that_is_given_is_none_of_their_own(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.delenv("KUBE_BIN_DIR", raising=False)
    monkeypatch.setenv("KUBECONFIG", "/some/where")
    assert trouble_of(("own_cluster.py", kind)) == (
        "the cluster of KUBECONFIG=/some/where is used: unset it to have one."
    )
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("PATH", "/nowhere")  # no kind
    assert trouble_of(("own_cluster.py", kind)) is None

"""The runner of tests: what is chosen, what is got for it, and what is said of what could not be had."""

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
from test_targets import ALL, BESIDES_LOGIC, CLUSTER, TARGETS, WHOLE


def chooses(expression: str, marks: dict[str, bool]) -> bool:
    """Whether `pytest -m EXPRESSION` would choose a test with these markers."""
    return Expression.compile(expression).evaluate(lambda name, **_: marks[name])


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
    for chosen in itertools.product([False, True], repeat=len(NEEDS)):
        marks = dict(zip(NEEDS, chosen, strict=True))
        assert sum(chooses(TARGETS[name].marks, marks) for name in ALL) == 1, marks
        if chooses(TARGETS["unit"].marks, marks):
            assert chooses(TARGETS["test"].marks, marks)


@pytest.mark.processes
def test_arguments_choose_and_only_what_these_tests_need_is_got() -> None:
    asked = ("tools/run_tests.py", "unit", "tests/tools/test_release_files.py", "-k", "no_network")
    ended = ran(*asked, PATH="/nowhere")
    assert ended.returncode == 0, ended.stderr
    assert "1 passed" in ended.stdout
    assert ended.stderr == ""


@pytest.mark.processes
def test_tests_of_another_target_are_not_run_and_it_is_said() -> None:
    ended = ran("tools/run_tests.py", "unit", "tests/e2e/test_quickstart.py")
    assert ended.returncode == run_tests.NO_TESTS
    assert "tests/README.md tells which has" in ended.stderr


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
    assert run_tests.trouble_of(("kube_binaries.py", "1.7", "--only-look")) == (
        f"kube_binaries.py: error: no such minor: 1.7; there are {', '.join(minors())}"
    )
    assert run_tests.trouble_of(("whole_cluster.py", "--help")) is None


@pytest.mark.processes
def test_strictly_nothing_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRICT", "1")
    monkeypatch.setitem(run_tests.PROVIDERS, "helm", (("kube_binaries.py", "1.7"),))
    assert run_tests.run(TARGETS["test"], ["tests/chart/test_golden.py"]) == 1
    assert "STRICT: helm: kube_binaries.py: error" in capfd.readouterr().err

"""House rules that no other tool checks: sizes, names, locks, and what tests may do."""

import ast
import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.project import ROOT

SOURCES = sorted(
    path for folder in ("agent", "operator", "bench", "tools") for path in (ROOT / folder).rglob("*.py")
)
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts)
OTHER_TESTS = [path for path in TESTS if path != Path(__file__)]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
NODE_LOCKS = sorted((ROOT / "tests" / "clients" / "drivers").glob("*/package-lock.json"))
BANNED_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}


def named(paths: Iterable[Path]) -> list[str]:
    """The files that break a rule, as they are called from the project's root."""
    return [str(path.relative_to(ROOT)) for path in paths]


def longer_than(lines: int, paths: list[Path]) -> list[Path]:
    return [path for path in paths if len(path.read_text().splitlines()) > lines]


@pytest.mark.parametrize("found", [SOURCES, TESTS, LOCKS], ids=["sources", "tests", "locks"])
def test_rules_have_files_to_hold_for(found: list[Path]) -> None:
    assert len(found) > 5


def test_source_files_stay_under_300_lines() -> None:
    assert named(longer_than(300, SOURCES)) == [], "split it: one thing a file, named for it"


def test_test_files_stay_under_400_lines() -> None:
    assert named(longer_than(400, TESTS)) == [], "split it by behaviour"


def test_functions_fit_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (node.end_lineno or 0) - node.lineno >= 40
    ]
    assert long == [], "split it: 40 lines are the most, decorators apart"


def test_files_are_named_for_their_one_thing() -> None:
    stems = {path: path.stem.removeprefix("test_").strip("_") for path in SOURCES + TESTS}
    assert named(path for path, stem in stems.items() if stem in BANNED_NAMES) == []


def test_folders_of_tests_are_no_packages() -> None:
    assert named((ROOT / "tests").rglob("__init__.py")) == []


def test_operator_folder_is_no_package_so_that_it_does_not_hide_the_standard_module() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_locks_pin_every_package_by_hash() -> None:
    entries = [
        (path.name, entry)
        for path in LOCKS
        for entry in re.split(r"\n(?=\S)", path.read_text().strip())
        if "==" not in entry or "--hash=sha256:" not in entry
    ]
    assert entries == []


def test_locks_name_no_host_and_no_option_of_the_installer() -> None:
    option = re.compile(r"://|^\s*(-|--)(i|f|index|extra|find|trusted)", re.MULTILINE)
    assert named(path for path in LOCKS if option.search(path.read_text())) == []


@pytest.mark.parametrize("lock", NODE_LOCKS, ids=lambda lock: lock.parent.name)
def test_node_lock_pins_every_package_by_hash_and_names_no_host(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    installed = {name: entry for name, entry in packages.items() if name}
    assert len(installed) >= 2
    assert [name for name, entry in installed.items() if "resolved" in entry] == []
    assert [name for name, e in installed.items() if not e.get("integrity", "").startswith("sha512-")] == []


def test_every_skip_or_expected_failure_is_a_test_that_does_not_hold() -> None:
    mark = re.compile(r"pytest\.(skip|xfail|importorskip)\b|mark\.(skip|skipif|xfail)\b")
    assert named(path for path in OTHER_TESTS if mark.search(path.read_text())) == []


def test_no_test_replaces_a_private_name() -> None:
    """A linter sees those that are reached by a dot, not those in the text of a patch."""
    patch = re.compile(r"[\"\']claude_(sidecar|operator)[\w.]*\._[a-z]")
    assert named(path for path in OTHER_TESTS if patch.search(path.read_text())) == []

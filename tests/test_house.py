"""House rules that no other tool checks: sizes, names, docstrings, locks."""

import ast
import re
from pathlib import Path

import pytest
from support.project import ROOT

SOURCES = sorted(
    path for folder in ("agent", "operator", "bench", "tools") for path in (ROOT / folder).rglob("*.py")
)
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts)
BANNED_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}


def named(path: Path) -> str:
    """How a file is called in the test's id."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_source_file_stays_under_300_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300, "split it: one thing a file, named for it"


@pytest.mark.parametrize("path", TESTS, ids=named)
def test_test_file_stays_under_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400, "split it by behaviour"


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=named)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), (
        "begin with one sentence that says what this is for"
    )


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=named)
def test_file_is_named_for_its_one_thing(path: Path) -> None:
    assert path.stem.removeprefix("test_").strip("_") not in BANNED_NAMES


def test_folders_of_tests_are_no_packages() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_operator_folder_is_no_package_so_that_it_does_not_hide_the_standard_module() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=named)
def test_lock_pins_every_package_by_hash_and_names_no_host(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-|--)(i|f|index|extra|find|trusted)", text, re.MULTILINE)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert "==" in entry
        assert "--hash=sha256:" in entry


def test_node_lock_pins_every_package_by_hash_and_names_no_host() -> None:
    text = (ROOT / "tests" / "clients" / "drivers" / "node" / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert text.count('"integrity": "sha512-') >= 2


def test_every_skip_or_expected_failure_is_a_test_that_does_not_hold() -> None:
    mark = re.compile(r"pytest\.(skip|xfail|importorskip)\b|mark\.(skip|skipif|xfail)\b")
    assert [
        named(path) for path in TESTS if path.name != "test_house.py" and mark.search(path.read_text())
    ] == []
